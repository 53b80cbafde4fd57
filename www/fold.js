// No module, because it has to run where it stands in index.html, before what follows is painted; and a file of its own,
// because the page's policy lets no script run that is written into it.
document.getElementById("settings").open = matchMedia("(min-width: 760px)").matches;
