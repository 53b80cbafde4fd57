//! `cargo xtask serve`: a static file server for this machine alone.
//!
//! | address | folder |
//! | --- | --- |
//! | / | www/ |
//! | /pkg/ | pkg/ |
//! | /data/ | data/, where present |
//! | /offline.json | made on the fly: see `offline.rs` |
//! | /data/index.json | made on the fly: `{"files":[{"path":"cifar10/test_batch.bin","bytes":30730000}]}`, empty without data/ |
//!
//! Every answer carries the three headers that make a page cross-origin isolated, without which a browser lends
//! it no threads. `test` and `bench` run the same server inside their own process.
//!
//! Nobody else is served: it listens on the loopback address alone, gives out the files of these folders alone, and answers
//! requests for this machine's own names alone. A page of another host whose name has come to mean this machine (DNS
//! rebinding) is of one origin with the server for the browser, but still sends its own name.

use crate::{offline, project};
use anyhow::{Context, Result};
use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

/// Tried first when no port is asked for, then the ones after it.
const FIRST_PORT: u16 = 8080;
const PORTS_TRIED: u16 = 20;
/// Longest head of a request; a browser's takes one or two.
const MAX_HEAD: u64 = 16 * 1024;
/// Longest wait for a client to send its request or to take the answer.
const PATIENCE: Duration = Duration::from_secs(60);

pub fn command() -> Command {
    Command::new("serve")
        .about("Serve the page on this machine, with the headers that threads need")
        .arg(
            Arg::new("port")
                .long("port")
                .value_name("PORT")
                .value_parser(value_parser!(u16))
                .help("Use this port [default: the first free one from 8080]"),
        )
        .arg(Arg::new("open").long("open").action(ArgAction::SetTrue).help("Open the page in the browser"))
        .arg(
            Arg::new("no-isolation")
                .long("no-isolation")
                .action(ArgAction::SetTrue)
                .help("Leave the isolation headers out, to see the page without threads"),
        )
}

pub fn run(arguments: &ArgMatches) -> Result<()> {
    let site = Site::project(!arguments.get_flag("no-isolation"));
    let server = match arguments.get_one::<u16>("port") {
        Some(&port) => Server::start(site, port)?,
        None => (FIRST_PORT..FIRST_PORT + PORTS_TRIED)
            .find_map(|port| Server::start(site.clone(), port).ok())
            .map_or_else(|| Server::start(site, 0), Ok)?,
    };
    println!("Nibble is at {}  (Ctrl-C ends it)", server.url());
    for (folder, what) in
        [("www/index.html", "the page"), ("pkg/stamp.json", "the engine: `cargo xtask build`")]
    {
        if !project::path(folder).exists() {
            println!("{folder} is missing: {what}");
        }
    }
    if arguments.get_flag("open") {
        open(&server.url())?;
    }
    server.wait();
    Ok(())
}

fn open(url: &str) -> Result<()> {
    let (program, arguments): (&str, &[&str]) = if cfg!(target_os = "macos") {
        ("open", &[])
    } else if cfg!(windows) {
        ("cmd", &["/C", "start"])
    } else {
        ("xdg-open", &[])
    };
    std::process::Command::new(program)
        .args(arguments)
        .arg(url)
        .spawn()
        .with_context(|| format!("cannot start {program}: open {url} by hand"))?;
    Ok(())
}

/// Which folders are served, and how.
#[derive(Clone)]
pub struct Site {
    /// Prefix of the address, from "/" to "/", and its folder; the first match counts.
    mounts: Vec<(String, PathBuf)>,
    isolated: bool,
}

impl Site {
    /// The product: page, engine and data.
    pub fn project(isolated: bool) -> Site {
        Site { mounts: vec![], isolated }.mount("/pkg/", "pkg").mount("/data/", "data").mount("/", "www")
    }

    /// The same with one more folder of the repository, which goes before the others.
    pub fn with(mut self, prefix: &str, folder: &str) -> Site {
        self.mounts.insert(0, (prefix.into(), project::path(folder)));
        self
    }

    fn mount(mut self, prefix: &str, folder: &str) -> Site {
        self.mounts.push((prefix.into(), project::path(folder)));
        self
    }

    /// The file or folder that an address names; None for one that names nothing servable: outside of the
    /// folders, hidden, or badly encoded.
    fn resolve(&self, url: &str) -> Option<PathBuf> {
        let path = decode(url.split(['?', '#']).next()?)?;
        let (prefix, folder) = self.mounts.iter().find(|(prefix, _)| path.starts_with(prefix.as_str()))?;
        let rest = Path::new(&path[prefix.len()..]);
        // A backslash separates folders on some systems, and a component that is not plain ("..", a root, a
        // drive) leaves the folder.
        let plain =
            |part: Component| matches!(part, Component::Normal(name) if !hidden(&name.to_string_lossy()));
        (!path.contains(['\\', '\0']) && rest.components().all(plain)).then(|| folder.join(rest))
    }

    fn answer(&self, method: &str, url: &str) -> Answer {
        if !matches!(method, "GET" | "HEAD") {
            return Answer::text(405, "only GET and HEAD are answered here");
        }
        if url.split('?').next() == Some("/data/index.json") {
            let folder = self.mounts.iter().find(|(prefix, _)| prefix == "/data/").map(|(_, folder)| folder);
            return Answer::bytes(200, "application/json", folder.map_or_else(Vec::new, |f| data_index(f)));
        }
        if url.split('?').next() == Some("/offline.json") {
            return match offline::list() {
                Ok(list) => Answer::bytes(200, "application/json", list.into_bytes()),
                Err(error) => Answer::text(500, &format!("{url}: {error:#}")),
            };
        }
        let Some(path) = self.resolve(url) else {
            return Answer::text(404, &format!("nothing is served at {url}"));
        };
        let (place, query) = url.split_at(url.find('?').unwrap_or(url.len()));
        if path.is_dir() && !place.ends_with('/') {
            // Without the slash the page's relative addresses would miss the folder.
            return Answer::redirect(&format!("{place}/{query}"));
        }
        let path = if path.is_dir() { path.join("index.html") } else { path };
        match File::open(&path) {
            Ok(file) => Answer::file(file, media_type(&path)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Answer::text(404, &format!("nothing is served at {url}"))
            }
            Err(error) => Answer::text(500, &format!("{url}: {error}")),
        }
    }
}

/// Whether a `Host` header names this machine, as whatever is typed into its own browser does.
fn is_own(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    // Browsers look names below localhost up nowhere.
    name == "localhost"
        || name.ends_with(".localhost")
        || name == "[::1]"
        || name.parse::<Ipv4Addr>().is_ok_and(|address| address.is_loopback())
}

/// Whether a file or folder of that name is not shown to anybody: what systems and editors leave behind.
fn hidden(name: &str) -> bool {
    name.starts_with('.')
}

/// Percent-decodes a path; None when it is not UTF-8 or not well encoded.
fn decode(path: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(path.len());
    let mut rest = path.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => {
                let digits = [rest.next()?, rest.next()?];
                u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?
            }
            byte => byte,
        });
    }
    String::from_utf8(bytes).ok()
}

/// The type that a browser needs to be told: modules and wasm are refused under a wrong one.
fn media_type(path: &Path) -> &'static str {
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("html") => "text/html; charset=utf-8",
        Some("js" | "mjs") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("wasm") => "application/wasm",
        Some("json" | "map") => "application/json",
        Some("webmanifest") => "application/manifest+json",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("jpg" | "jpeg") => "image/jpeg",
        Some("webp") => "image/webp",
        Some("ico") => "image/x-icon",
        Some("woff2") => "font/woff2",
        Some("csv") => "text/csv; charset=utf-8",
        Some("txt" | "md" | "ts") => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

/// The files below data/ as JSON, sorted by name; those that [`Site::resolve`] gives out.
fn data_index(folder: &Path) -> Vec<u8> {
    let mut files = Vec::new();
    let listed = |name: &str| !hidden(name) && !name.contains(['"', '\\']);
    for set in fs::read_dir(folder).into_iter().flatten().flatten() {
        let set_name = set.file_name().to_string_lossy().into_owned();
        for file in fs::read_dir(set.path()).into_iter().flatten().flatten() {
            let name = file.file_name().to_string_lossy().into_owned();
            // fs::metadata follows links: a data set may lie elsewhere.
            let Ok(data) = fs::metadata(file.path()) else { continue };
            if data.is_file() && listed(&set_name) && listed(&name) {
                files.push(format!("{{\"path\":\"{set_name}/{name}\",\"bytes\":{}}}", data.len()));
            }
        }
    }
    files.sort();
    format!("{{\"files\":[{}]}}\n", files.join(",")).into_bytes()
}

struct Answer {
    status: u16,
    media_type: &'static str,
    location: Option<String>,
    body: Body,
}

enum Body {
    File(File),
    Bytes(Vec<u8>),
}

impl Answer {
    fn bytes(status: u16, media_type: &'static str, bytes: Vec<u8>) -> Answer {
        Answer { status, media_type, location: None, body: Body::Bytes(bytes) }
    }

    fn text(status: u16, text: &str) -> Answer {
        Answer::bytes(status, "text/plain; charset=utf-8", format!("{text}\n").into_bytes())
    }

    fn redirect(location: &str) -> Answer {
        Answer { location: Some(location.into()), ..Answer::text(308, location) }
    }

    fn file(file: File, media_type: &'static str) -> Answer {
        Answer { status: 200, media_type, location: None, body: Body::File(file) }
    }

    /// The head of the answer, up to the empty line.
    fn head(&self, length: u64, isolated: bool, last: bool) -> String {
        let reason = match self.status {
            200 => "OK",
            308 => "Permanent Redirect",
            400 => "Bad Request",
            404 => "Not Found",
            405 => "Method Not Allowed",
            421 => "Misdirected Request",
            _ => "Internal Server Error",
        };
        let mut head = format!("HTTP/1.1 {} {reason}\r\n", self.status);
        let mut add = |name: &str, value: &str| head += &format!("{name}: {value}\r\n");
        add("Content-Type", self.media_type);
        add("Content-Length", &length.to_string());
        // Checked at every load: a rebuilt engine must never meet yesterday's script.
        add("Cache-Control", "no-cache");
        add("X-Content-Type-Options", "nosniff");
        add("Connection", if last { "close" } else { "keep-alive" });
        if isolated {
            add("Cross-Origin-Opener-Policy", "same-origin");
            add("Cross-Origin-Embedder-Policy", "require-corp");
            add("Cross-Origin-Resource-Policy", "same-origin");
        }
        if let Some(location) = &self.location {
            add("Location", location);
        }
        head + "\r\n"
    }

    fn send(self, mut stream: &TcpStream, asked: &Request, isolated: bool) -> io::Result<()> {
        let length = match &self.body {
            Body::File(file) => file.metadata()?.len(),
            Body::Bytes(bytes) => bytes.len() as u64,
        };
        stream.write_all(self.head(length, isolated, asked.last).as_bytes())?;
        if asked.method != "HEAD" {
            match self.body {
                Body::File(file) => {
                    // One that has become shorter ends the connection.
                    if io::copy(&mut file.take(length), &mut stream)? < length {
                        return Err(io::ErrorKind::UnexpectedEof.into());
                    }
                }
                Body::Bytes(bytes) => stream.write_all(&bytes)?,
            }
        }
        stream.flush()
    }
}

/// What is asked for.
struct Request {
    method: String,
    /// `None` where it is no request of HTTP/1.
    url: Option<String>,
    /// The values of its `Host` headers, in lower case.
    hosts: Vec<String>,
    /// Whether the connection ends with the answer.
    last: bool,
}

impl Request {
    /// The next one of a connection, if there is one.
    fn read(stream: &mut impl BufRead) -> io::Result<Option<Request>> {
        let mut lines = stream.take(MAX_HEAD).lines();
        let Some(first) = lines.next().transpose()? else { return Ok(None) };
        let mut request = match first.split(' ').collect::<Vec<_>>()[..] {
            [method, url, version] if version.starts_with("HTTP/1.") && !url.contains(char::is_control) => {
                Request {
                    method: method.into(),
                    url: Some(url.into()),
                    hosts: vec![],
                    last: version == "HTTP/1.0",
                }
            }
            _ => Request { method: String::new(), url: None, hosts: vec![], last: true },
        };
        let mut whole = false;
        for header in lines {
            let header = header?.to_ascii_lowercase();
            whole = header.is_empty();
            if whole {
                break;
            }
            request.hosts.extend(header.strip_prefix("host:").map(|host| host.trim().to_owned()));
            // Nothing here takes a body: what follows such a head is no next request.
            request.last |= header.starts_with("connection: close")
                || header.starts_with("content-length:")
                || header.starts_with("transfer-encoding:");
        }
        request.last |= !whole;
        Ok(Some(request))
    }
}

/// Answers the requests of a connection, one after the other.
fn serve_connection(site: &Site, stream: &TcpStream, ended: &AtomicBool) -> io::Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    stream.set_nodelay(true)?;
    let mut reader = BufReader::new(stream);
    while let Some(request) = Request::read(&mut reader)? {
        if ended.load(Ordering::Relaxed) {
            break;
        }
        let answer = match (&request.url, &request.hosts[..]) {
            (None, _) => Answer::text(400, "not a request of HTTP/1"),
            (Some(url), [host]) if is_own(host) => site.answer(&request.method, url),
            (_, [host]) => Answer::text(421, &format!("{host} is not served here, but localhost")),
            // Every browser sends one.
            _ => Answer::text(400, "not one Host header"),
        };
        answer.send(stream, &request, site.isolated)?;
        if request.last {
            break;
        }
    }
    Ok(())
}

/// A server at work in threads of its own; dropping it ends it.
///
/// A thread a connection: those that stay open in silence keep none of the others waiting.
pub struct Server {
    address: SocketAddr,
    ended: Arc<AtomicBool>,
    listener: Option<thread::JoinHandle<()>>,
}

impl Server {
    /// Serves on 127.0.0.1 only; port 0 takes any free one. Fails when the port is taken.
    pub fn start(site: Site, port: u16) -> Result<Server> {
        let listener = TcpListener::bind(("127.0.0.1", port)).map_err(|error| match error.kind() {
            io::ErrorKind::AddrInUse => {
                anyhow::anyhow!("port {port} is in use: end what uses it, or give another with --port")
            }
            _ => anyhow::anyhow!("cannot listen on port {port}: {error}"),
        })?;
        let address = listener.local_addr()?;
        let ended = Arc::new(AtomicBool::new(false));
        let (site, end) = (Arc::new(site), ended.clone());
        let listener = thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if end.load(Ordering::Relaxed) {
                    return;
                }
                let (site, end) = (site.clone(), end.clone());
                // A browser that went away in the middle is no fault of ours.
                thread::spawn(move || drop(serve_connection(&site, &stream, &end)));
            }
        });
        Ok(Server { address, ended, listener: Some(listener) })
    }

    /// The address to open, with a slash at its end.
    pub fn url(&self) -> String {
        format!("http://{}/", self.address)
    }

    /// Serves until the process is ended.
    fn wait(mut self) {
        if let Some(listener) = self.listener.take() {
            let _ = listener.join();
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Relaxed);
        // Wakes the listener up.
        let _ = TcpStream::connect(self.address);
    }
}

#[cfg(test)]
#[path = "serve_tests.rs"]
mod tests;
