use super::*;
use std::io::{Read, Write};
use std::net::TcpStream;

fn site() -> Site {
    Site { mounts: vec![("/pkg/".into(), "/r/pkg".into()), ("/".into(), "/r/www".into())], isolated: true }
}

/// The whole answer to a request, as text.
fn ask(server: &Server, method: &str, path: &str) -> String {
    tell(server, &format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"))
}

/// The whole answer to a head of a request, as text.
fn tell(server: &Server, head: &str) -> String {
    let mut stream = TcpStream::connect(server.address).unwrap();
    stream.write_all(head.as_bytes()).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

#[test]
fn addresses_name_files_of_their_folder() {
    for (url, path) in [
        ("/", "/r/www"),
        ("/index.html", "/r/www/index.html"),
        ("/a/b%20c.js?x=1#y", "/r/www/a/b c.js"),
        ("/pkg/simd/nibble_bg.wasm", "/r/pkg/simd/nibble_bg.wasm"),
        ("/pkgs", "/r/www/pkgs"),
    ] {
        assert_eq!(site().resolve(url), Some(PathBuf::from(path)), "{url}");
    }
}

#[test]
fn no_address_leaves_its_folder() {
    for url in [
        "/../Cargo.toml",
        "/pkg/../../Cargo.toml",
        "/%2e%2e/Cargo.toml",
        "/a/%2E%2E%2f%2E%2E/Cargo.toml",
        "/..%5cCargo.toml",
        "/pkg//etc/passwd",
        "//etc/passwd",
        "/%2fetc/passwd",
        "/pkg/%2e%2e/%2e%2e/Cargo.toml",
        "/pkg/..%2f..%2fCargo.toml",
        "/a/..",
        "/C:%5cWindows",
        "/%2egit/config",
        "/%c0%ae%c0%ae/Cargo.toml",
        "/%ef%bc%8e%ef%bc%8e%00",
        "http://localhost/../Cargo.toml",
        "/.git/config",
        "/a/.hidden",
        "/%00",
        "/%",
        "/%zz",
        "/%ff",
        "etc/passwd",
        "*",
    ] {
        let path = site().resolve(url);
        assert!(path.is_none(), "{url} gave {path:?}");
    }
}

#[test]
fn no_request_leaves_the_folder() {
    let folder = std::env::temp_dir().join(format!("nibble-inside-{}", std::process::id()));
    fs::create_dir_all(folder.join("www")).unwrap();
    fs::write(folder.join("secret"), b"secret").unwrap();
    fs::write(folder.join("www/page"), b"page").unwrap();
    let site = Site { mounts: vec![("/".into(), folder.join("www"))], isolated: true };
    let server = Server::start(site, 0).unwrap();
    assert!(ask(&server, "GET", "/%70age").ends_with("page"));
    // Decoded once: the name with a percent sign in it is none.
    for path in [
        "/../secret",
        "/%2e%2e/secret",
        "/..%2fsecret",
        "/%252e%252e/secret",
        "/./../secret",
        "/x/%2e%2e/..%2Fsecret",
    ] {
        let answer = ask(&server, "GET", path);
        assert!(answer.starts_with("HTTP/1.1 404") && !answer.ends_with("secret"), "{path}: {answer}");
    }
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn only_this_machine_is_listened_to() {
    let server = Server::start(site(), 0).unwrap();
    assert!(server.address.ip().is_loopback());
    assert!(server.url().starts_with("http://127.0.0.1:"));
    // The address by which others reach this machine, if there is one. Nothing is sent.
    let socket = std::net::UdpSocket::bind("0.0.0.0:0").unwrap();
    if socket.connect("192.0.2.1:9").is_ok() {
        let own = socket.local_addr().unwrap().ip();
        assert!(own.is_loopback() || TcpStream::connect((own, server.address.port())).is_err(), "{own}");
    }
}

#[test]
fn only_names_of_this_machine_are_answered() {
    let server = Server::start(site(), 0).unwrap();
    let answer =
        |host: &str| tell(&server, &format!("GET /none HTTP/1.1\r\n{host}Connection: close\r\n\r\n"));
    for own in [
        "localhost",
        "LocalHost:8080",
        "127.0.0.1",
        "127.0.0.1:1",
        "127.1.2.3:80",
        "[::1]:8080",
        "a.localhost",
    ] {
        let answer = answer(&format!("Host: {own}\r\n"));
        assert!(answer.starts_with("HTTP/1.1 404 Not Found"), "{own}: {answer}");
    }
    for foreign in [
        "example.org",
        "example.org:8080",
        "localhost.example.org",
        "127.0.0.1.example.org",
        "notlocalhost",
        "localhost@example.org",
        "192.168.0.1:8080",
        "0.0.0.0",
        "[::2]",
        "localhost:",
        "",
    ] {
        let answer = answer(&format!("Host: {foreign}\r\n"));
        assert!(answer.starts_with("HTTP/1.1 421 "), "{foreign}: {answer}");
        // Nothing of the folders, and no header that a foreign page could read it by.
        assert!(!answer.to_lowercase().contains("access-control"), "{answer}");
    }
    for not_one in
        ["", "Host: localhost\r\nHost: example.org\r\n", "Host: example.org\r\nhost: localhost\r\n"]
    {
        let answer = answer(not_one);
        assert!(answer.starts_with("HTTP/1.1 400 "), "{not_one:?}: {answer}");
    }
}

#[test]
fn answers_carry_type_and_isolation_headers() {
    let folder = std::env::temp_dir().join(format!("nibble-serve-{}", std::process::id()));
    fs::create_dir_all(folder.join("sub")).unwrap();
    fs::write(folder.join("a.wasm"), b"\0asm").unwrap();
    fs::write(folder.join("sub/index.html"), b"hello").unwrap();
    for isolated in [true, false] {
        let site = Site { mounts: vec![("/".into(), folder.clone())], isolated };
        let server = Server::start(site, 0).unwrap();
        let wasm = ask(&server, "GET", "/a.wasm").to_lowercase();
        assert!(
            wasm.starts_with("http/1.1 200") && wasm.contains("content-type: application/wasm"),
            "{wasm}"
        );
        assert!(wasm.contains("content-length: 4") && wasm.contains("cache-control: no-cache"), "{wasm}");
        assert_eq!(wasm.contains("cross-origin-opener-policy: same-origin"), isolated, "{wasm}");
        assert_eq!(wasm.contains("cross-origin-embedder-policy: require-corp"), isolated, "{wasm}");
        assert!(ask(&server, "GET", "/sub/?q").ends_with("hello"));
        assert!(ask(&server, "GET", "/sub?q=/sub").to_lowercase().contains("location: /sub/?q=/sub"));
        assert!(!ask(&server, "HEAD", "/sub/").contains("hello"));
        assert!(ask(&server, "GET", "/none").starts_with("HTTP/1.1 404"));
        assert!(ask(&server, "POST", "/a.wasm").starts_with("HTTP/1.1 405"));
    }
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn a_connection_takes_several_requests() {
    let server = Server::start(site(), 0).unwrap();
    for last in ["Connection: close\r\n", "Content-Length: 20\r\n"] {
        let mut stream = TcpStream::connect(server.address).unwrap();
        let host = "Host: localhost\r\n";
        write!(stream, "GET /one HTTP/1.1\r\n{host}\r\nHEAD /two HTTP/1.1\r\n{host}{last}\r\n").unwrap();
        let mut answers = String::new();
        stream.read_to_string(&mut answers).unwrap();
        assert_eq!(answers.matches("HTTP/1.1 404").count(), 2, "{answers}");
        assert!(answers.find("keep-alive") < answers.find("Connection: close"), "{answers}");
    }
}

#[test]
fn a_port_in_use_is_named() {
    let first = Server::start(site(), 0).unwrap();
    let error = Server::start(site(), first.address.port()).err().expect("the port is taken").to_string();
    assert!(error.contains(&first.address.port().to_string()) && error.contains("in use"), "{error}");
}

#[test]
fn the_data_index_lists_what_is_there() {
    assert_eq!(data_index(Path::new("/no/such/folder")), b"{\"files\":[]}\n");
    let folder = std::env::temp_dir().join(format!("nibble-data-{}", std::process::id()));
    fs::create_dir_all(folder.join("cifar10")).unwrap();
    fs::create_dir_all(folder.join(".cache")).unwrap();
    // Not given out, so not listed either: one of them would make the whole set fail.
    for hidden in ["cifar10/.DS_Store", ".cache/test_batch.bin"] {
        fs::write(folder.join(hidden), [0; 4]).unwrap();
    }
    fs::write(folder.join("cifar10/b.bin"), [0; 3]).unwrap();
    fs::write(folder.join("cifar10/a.bin"), [0; 2]).unwrap();
    let text = String::from_utf8(data_index(&folder)).unwrap();
    assert_eq!(
        text,
        "{\"files\":[{\"path\":\"cifar10/a.bin\",\"bytes\":2},{\"path\":\"cifar10/b.bin\",\"bytes\":3}]}\n"
    );
    fs::remove_dir_all(folder).unwrap();
}
