//! Programs that the commands need beside the compiler: each is found, or installed with one line that says so.

use crate::lock::Lock;
use crate::process::{find, quiet};
use crate::project;
use anyhow::{Context, Result, bail};
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;

/// Where cargo installs a crate's programs: once for all checkouts of this user, since they take minutes of a processor.
fn folder(name: &str, version: &str) -> PathBuf {
    let cache = env::var_os("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .filter(|cache| cache.is_absolute())
        .or_else(|| Some(env::home_dir()?.join(".cache")));
    let tools = cache.map_or_else(|| project::target().join("tools"), |cache| cache.join("nibble/tools"));
    tools.join(format!("{name}-{version}"))
}

/// Installs the programs of a crate there. A debug build compiles in a third of the time, and they run for a second.
fn install(name: &str, version: &str, options: &[&str]) -> Result<()> {
    // Of its own: others may be installed at the same time.
    let build = project::target().join("tools").join(format!("build-{name}"));
    let mut cargo = Command::new("cargo");
    cargo
        .args(["install", "--debug", "--force", name, "--version", version])
        .args(options)
        .arg("--root")
        .arg(folder(name, version))
        .current_dir(project::root())
        .env("CARGO_TARGET_DIR", &build);
    quiet(&mut cargo)?;
    // Ten times the size of the programs, and of no use again.
    let _ = fs::remove_dir_all(build);
    Ok(())
}

/// Whether a program is of that version, as it says itself.
fn is_version(program: &Path, wanted: &str) -> bool {
    let said = Command::new(program).arg("--version").output();
    said.is_ok_and(|output| String::from_utf8_lossy(&output.stdout).trim() == wanted)
}

/// The programs of wasm-bindgen-cli, at the very version of the crate in Cargo.lock: the two share a format
/// that changes with every release.
pub struct WasmBindgen {
    pub version: String,
    pub bindgen: PathBuf,
    /// Runs tests in a browser.
    pub test_runner: PathBuf,
}

pub fn wasm_bindgen() -> Result<WasmBindgen> {
    let version = Lock::read()?.version("wasm-bindgen")?;
    let wanted = format!("wasm-bindgen {version}");
    let installed = folder("wasm-bindgen-cli", &version).join("bin");
    let on_path = find("wasm-bindgen").and_then(|path| Some(path.parent()?.to_path_buf()));
    for bin in [Some(installed.clone()), on_path].into_iter().flatten() {
        if is_version(&bin.join("wasm-bindgen"), &wanted) && bin.join("wasm-bindgen-test-runner").exists() {
            eprintln!("wasm-bindgen-cli: found ({version}, {})", bin.display());
            return Ok(WasmBindgen::in_folder(&bin, version));
        }
    }
    eprintln!("wasm-bindgen-cli: installing {version} with cargo (a minute or two)");
    // Not --locked: its lock file names a release that was withdrawn.
    install("wasm-bindgen-cli", &version, &[])?;
    Ok(WasmBindgen::in_folder(&installed, version))
}

impl WasmBindgen {
    fn in_folder(bin: &Path, version: String) -> WasmBindgen {
        WasmBindgen {
            version,
            bindgen: bin.join("wasm-bindgen"),
            test_runner: bin.join("wasm-bindgen-test-runner"),
        }
    }
}

/// The release of cargo-deny that is installed.
const DENY: &str = "0.20.2";

/// clippy, which lints what the tests compile.
pub fn clippy() -> Result<()> {
    if quiet(Command::new("cargo").args(["clippy", "--version"]).current_dir(project::root())).is_err() {
        quiet(Command::new("rustup").args(["component", "add", "clippy"])).context("clippy is missing")?;
    }
    Ok(())
}

/// cargo-deny, which checks what the dependencies are.
pub fn cargo_deny() -> Result<PathBuf> {
    let wanted = format!("cargo-deny {DENY}");
    let installed = folder("cargo-deny", DENY).join("bin/cargo-deny");
    for program in [Some(installed.clone()), find("cargo-deny")].into_iter().flatten() {
        if is_version(&program, &wanted) {
            eprintln!("cargo-deny: found ({DENY}, {})", program.display());
            return Ok(program);
        }
    }
    eprintln!("cargo-deny: installing {DENY} with cargo (a minute or two)");
    install("cargo-deny", DENY, &["--locked"])?;
    Ok(installed)
}

/// Node.js packages of package.json, at its exact versions.
pub fn node_modules() -> Result<()> {
    node()?;
    let wanted = pinned(&fs::read_to_string(project::path("package.json"))?);
    let present = |(name, version): &(String, String)| {
        let file = project::path("node_modules").join(name).join("package.json");
        fs::read_to_string(file).is_ok_and(|text| text.contains(&format!("\"version\": \"{version}\"")))
    };
    let list =
        wanted.iter().map(|(name, version)| format!("{name} {version}")).collect::<Vec<_>>().join(", ");
    if wanted.iter().all(present) {
        eprintln!("npm packages: found ({list})");
        return Ok(());
    }
    quiet(Command::new("npm").args(["ci", "--no-audit", "--no-fund"]).current_dir(project::root()))?;
    eprintln!("npm packages: installed ({list})");
    Ok(())
}

/// Names and versions of `"devDependencies"`, one a line as npm writes them.
fn pinned(package_json: &str) -> Vec<(String, String)> {
    package_json
        .lines()
        .skip_while(|line| !line.contains("\"devDependencies\""))
        .skip(1)
        .take_while(|line| !line.contains('}'))
        .filter_map(|line| {
            let mut parts = line.split('"').skip(1).step_by(2);
            Some((parts.next()?.to_string(), parts.next()?.to_string()))
        })
        .collect()
}

/// Node.js, with npm.
pub fn node() -> Result<()> {
    if let (Some(node), Some(_)) = (find("node"), find("npm")) {
        eprintln!(
            "node: found ({}, {})",
            quiet(Command::new("node").arg("--version"))?.trim(),
            node.display()
        );
        return Ok(());
    }
    apt_install(&["nodejs", "npm"])?;
    find("npm").map(drop).context("apt installed nodejs and npm, but there is no npm on the PATH")
}

/// A Chromium and, beside it, the driver of the same version.
pub struct Browser {
    pub chromium: PathBuf,
    pub driver: PathBuf,
}

pub fn browser() -> Result<Browser> {
    if let Some(browser) = find_browser() {
        eprintln!("browser: found ({}, {})", browser.chromium.display(), browser.driver.display());
        return Ok(browser);
    }
    apt_install(&["chromium", "chromium-driver"])?;
    find_browser().context("apt installed chromium and chromium-driver, but they are not on the PATH")
}

fn find_browser() -> Option<Browser> {
    let named = |variable: &str| env::var_os(variable).map(PathBuf::from).filter(|path| path.exists());
    let chromium = named("CHROMIUM").or_else(|| {
        let mac = PathBuf::from("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome");
        let names = ["chromium", "chromium-browser", "google-chrome"];
        names.iter().find_map(|name| find(name)).or_else(|| mac.exists().then_some(mac))
    })?;
    let driver = named("CHROMEDRIVER").or_else(|| find("chromedriver"))?;
    Some(Browser { chromium, driver })
}

/// Chromium without the windows that its headless mode draws for nobody: a page of its own costs a quarter of the time.
/// `None` where there is none to be had; the browser itself does then.
pub fn headless_shell() -> Option<PathBuf> {
    const NAME: &str = "chromium-headless-shell";
    // Who names a browser wants that one.
    if env::var_os("CHROMIUM").is_some() {
        return None;
    }
    if find(NAME).is_none() && find("apt-get").is_some() {
        let _ = apt_install(&[NAME]);
    }
    let shell = find(NAME)?;
    eprintln!("headless shell: found ({})", shell.display());
    Some(shell)
}

/// Stock Firefox, for the page's main path. Debian's is the extended-support release.
pub fn firefox() -> Result<PathBuf> {
    if let Some(firefox) = find_firefox() {
        eprintln!("firefox: found ({})", firefox.display());
        return Ok(firefox);
    }
    apt_install(&["firefox-esr"])?;
    find_firefox().context("apt installed firefox-esr, but it is not on the PATH")
}

fn find_firefox() -> Option<PathBuf> {
    let named = env::var_os("FIREFOX").map(PathBuf::from).filter(|path| path.exists());
    let mac = PathBuf::from("/Applications/Firefox.app/Contents/MacOS/firefox");
    named
        .or_else(|| ["firefox-esr", "firefox"].iter().find_map(|name| find(name)))
        .or_else(|| mac.exists().then_some(mac))
}

/// Installs Debian packages as root, or by sudo where that asks for no password.
pub fn apt_install(packages: &[&str]) -> Result<()> {
    // One at a time: apt does not wait for another.
    static APT: Mutex<()> = Mutex::new(());
    let _turn = APT.lock();
    let list = packages.join(" ");
    if find("apt-get").is_none() {
        bail!("{list}: missing, and there is no apt-get to install it with: install it by hand");
    }
    let install = || {
        let mut apt = as_root("apt-get")?;
        apt.args(["install", "--yes", "--no-install-recommends"]).args(packages);
        quiet(apt.env("DEBIAN_FRONTEND", "noninteractive"))
    };
    // A new machine has no list of packages, an old one a list of packages that are gone.
    if install().is_err() {
        apt_update()?;
        install().with_context(|| format!("{list}: missing, and apt cannot install it"))?;
    }
    eprintln!("{list}: installed with apt");
    Ok(())
}

pub fn apt_update() -> Result<()> {
    quiet(as_root("apt-get")?.arg("update")).map(drop)
}

fn as_root(program: &str) -> Result<Command> {
    if quiet(Command::new("id").arg("-u"))?.trim() == "0" {
        return Ok(Command::new(program));
    }
    find("sudo").with_context(|| format!("`{program}` must run as root"))?;
    let mut sudo = Command::new("sudo");
    sudo.args(["--non-interactive", program]);
    Ok(sudo)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pinned_packages_are_read() {
        let text = "{\n  \"private\": true,\n  \"devDependencies\": {\n    \"@a/b\": \"1.2.3\",\n    \"c\": \"4.5.6\"\n  }\n}\n";
        let pair = |name: &str, version: &str| (name.to_string(), version.to_string());
        assert_eq!(pinned(text), [pair("@a/b", "1.2.3"), pair("c", "4.5.6")]);
        assert_eq!(pinned("{}"), []);
    }

    #[test]
    fn every_pin_is_exact() {
        let pins = pinned(&fs::read_to_string(project::path("package.json")).unwrap());
        assert!(!pins.is_empty());
        for (name, version) in pins {
            assert!(version.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.'), "{name} {version}");
        }
    }
}
