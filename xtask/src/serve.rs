//! `cargo xtask serve`: a static file server for this machine alone.
//!
//! | address | folder |
//! | --- | --- |
//! | / | www/ |
//! | /pkg/ | pkg/ |
//! | /data/ | data/, where present |
//! | /data/index.json | made on the fly: `{"files":[{"path":"cifar10/test_batch.bin","bytes":30730000}]}`, empty without data/ |
//!
//! Every answer carries the three headers that make a page cross-origin isolated, without which a browser lends
//! it no threads. `test` and `bench` run the same server inside their own process.

use crate::project;
use anyhow::{Context, Result, bail};
use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use std::fs::{self, File};
use std::io::{self, Cursor};
use std::net::{SocketAddr, TcpListener};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;
use std::thread;
use tiny_http::{Header, Method, Request, Response, StatusCode};

/// Tried first when no port is asked for, then the ones after it.
const FIRST_PORT: u16 = 8080;
const PORTS_TRIED: u16 = 20;
/// Requests answered at a time; a browser opens six connections.
const HANDLERS: usize = 8;

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
        let plain = |part: Component| matches!(part, Component::Normal(name) if !name.to_string_lossy().starts_with('.'));
        (!path.contains(['\\', '\0']) && rest.components().all(plain)).then(|| folder.join(rest))
    }

    fn answer(&self, request: &Request) -> Answer {
        if !matches!(request.method(), Method::Get | Method::Head) {
            return Answer::text(405, "only GET and HEAD are answered here");
        }
        let url = request.url();
        if url.split('?').next() == Some("/data/index.json") {
            let folder = self.mounts.iter().find(|(prefix, _)| prefix == "/data/").map(|(_, folder)| folder);
            return Answer::bytes(200, "application/json", folder.map_or_else(Vec::new, |f| data_index(f)));
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

/// The files below data/ as JSON, sorted by name.
fn data_index(folder: &Path) -> Vec<u8> {
    let mut files = Vec::new();
    for set in fs::read_dir(folder).into_iter().flatten().flatten() {
        let set_name = set.file_name().to_string_lossy().into_owned();
        for file in fs::read_dir(set.path()).into_iter().flatten().flatten() {
            let name = file.file_name().to_string_lossy().into_owned();
            // fs::metadata follows links: a data set may lie elsewhere.
            let Ok(data) = fs::metadata(file.path()) else { continue };
            if data.is_file() && !name.contains(['"', '\\']) && !set_name.contains(['"', '\\']) {
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

    fn headers(&self, isolated: bool) -> Vec<Header> {
        let mut headers = vec![
            ("Content-Type", self.media_type),
            // Checked at every load: a rebuilt engine must never meet yesterday's script.
            ("Cache-Control", "no-cache"),
            ("X-Content-Type-Options", "nosniff"),
        ];
        if isolated {
            headers.extend([
                ("Cross-Origin-Opener-Policy", "same-origin"),
                ("Cross-Origin-Embedder-Policy", "require-corp"),
                ("Cross-Origin-Resource-Policy", "same-origin"),
            ]);
        }
        if let Some(location) = &self.location {
            headers.push(("Location", location));
        }
        // A request's own text comes back in Location: one with bytes that no header may hold is dropped.
        headers.iter().filter_map(|(name, value)| Header::from_bytes(*name, *value).ok()).collect()
    }

    fn send(self, request: Request, isolated: bool) -> io::Result<()> {
        let headers = self.headers(isolated);
        let status = StatusCode(self.status);
        match self.body {
            Body::File(file) => {
                let length = usize::try_from(file.metadata()?.len()).ok();
                // With its length told a browser can show how far it is; chunks would hide it.
                let response = Response::new(status, headers, file, length, None);
                request.respond(response.with_chunked_threshold(usize::MAX))
            }
            Body::Bytes(bytes) => {
                let length = bytes.len();
                request.respond(Response::new(status, headers, Cursor::new(bytes), Some(length), None))
            }
        }
    }
}

/// A server at work in threads of its own; dropping it ends it.
pub struct Server {
    inner: Arc<tiny_http::Server>,
    address: SocketAddr,
    handlers: Vec<thread::JoinHandle<()>>,
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
        let inner = match tiny_http::Server::from_listener(listener, None) {
            Ok(server) => Arc::new(server),
            Err(error) => bail!("cannot serve on port {port}: {error}"),
        };
        let handlers = (0..HANDLERS)
            .map(|_| {
                let (inner, site) = (inner.clone(), site.clone());
                thread::spawn(move || {
                    while let Ok(request) = inner.recv() {
                        let answer = site.answer(&request);
                        // A browser that went away in the middle is no fault of ours.
                        let _ = answer.send(request, site.isolated);
                    }
                })
            })
            .collect();
        Ok(Server { inner, address, handlers })
    }

    /// The address to open, with a slash at its end.
    pub fn url(&self) -> String {
        format!("http://{}/", self.address)
    }

    /// Serves until the process is ended.
    fn wait(mut self) {
        for handler in self.handlers.drain(..) {
            let _ = handler.join();
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        for _ in &self.handlers {
            self.inner.unblock();
        }
    }
}

#[cfg(test)]
#[path = "serve_tests.rs"]
mod tests;
