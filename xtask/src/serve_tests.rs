use super::*;
use std::io::{Read, Write};
use std::net::TcpStream;

fn site() -> Site {
    Site { mounts: vec![("/pkg/".into(), "/r/pkg".into()), ("/".into(), "/r/www".into())], isolated: true }
}

/// The whole answer to a request, as text.
fn ask(server: &Server, method: &str, path: &str) -> String {
    let mut stream = TcpStream::connect(server.address).unwrap();
    write!(stream, "{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").unwrap();
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
        write!(stream, "GET /one HTTP/1.1\r\n\r\nHEAD /two HTTP/1.1\r\n{last}\r\n").unwrap();
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
