//! A Rust tool chain with the sources of its own std, from which std is rebuilt with atomics.
//!
//! Two ways, in this order:
//! 1. rustup's stable with the component rust-src, which rustup fetches where it can.
//! 2. Debian's security archive keeps a recent rustc for its browsers, with matching sources. Its packages are
//!    unpacked (never installed: they conflict with other compilers) into target/tools and linked together to
//!    what rustup takes for a tool chain; cargo and rust-lld are borrowed from rustup's.

use crate::process::{find, quiet};
use crate::{project, tools};
use anyhow::{Context, Result, bail};
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The target that the engine is built for.
pub const TARGET: &str = "wasm32-unknown-unknown";

/// A compiler that can build std.
pub struct Toolchain {
    /// Value for RUSTUP_TOOLCHAIN: a folder.
    pub name: OsString,
    /// The folder whose files std's panic messages name.
    pub std_sources: PathBuf,
}

impl Toolchain {
    /// The tool chain of that folder, if it holds a compiler and std's sources.
    fn at(folder: &Path) -> Option<Toolchain> {
        let sources = folder.join("lib/rustlib/src/rust");
        let complete = folder.join("bin/rustc").exists() && sources.join("library/std/Cargo.toml").is_file();
        complete.then(|| Toolchain {
            name: folder.into(),
            std_sources: fs::canonicalize(&sources).unwrap_or(sources),
        })
    }

    /// Whether std is there for a target, ready for use.
    pub fn has_std(&self, target: &str) -> bool {
        let folder = Path::new(&self.name).join("lib/rustlib").join(target).join("lib");
        let named = |name: OsString| name.to_string_lossy().starts_with("libstd-");
        fs::read_dir(folder).is_ok_and(|entries| entries.flatten().any(|entry| named(entry.file_name())))
    }

    /// As `rustc 1.96.0 (ac68faa20 2026-05-25)`.
    pub fn version(&self) -> Result<String> {
        let mut rustc = Command::new("rustc");
        Ok(quiet(rustc.arg("--version").env("RUSTUP_TOOLCHAIN", &self.name))?.trim().to_string())
    }
}

/// Finds a tool chain or installs one, and says which.
pub fn find_or_install() -> Result<Toolchain> {
    let stable = sysroot()?;
    if let Some(toolchain) = Toolchain::at(&stable) {
        eprintln!("std sources: found ({}, {})", toolchain.version()?, stable.display());
        add_std(&toolchain);
        return Ok(toolchain);
    }
    let folder = project::target().join("tools/rust");
    if let Some(toolchain) = Toolchain::at(&folder.join("usr")) {
        eprintln!("std sources: found ({}, {})", toolchain.version()?, folder.display());
        return Ok(toolchain);
    }
    let rustup = from_rustup(&stable);
    let failure = match rustup {
        Ok(toolchain) => {
            eprintln!("std sources: installed with rustup ({})", toolchain.version()?);
            add_std(&toolchain);
            return Ok(toolchain);
        }
        Err(failure) => failure,
    };
    match from_debian(&folder, &stable) {
        Ok(toolchain) => {
            println!(
                "std sources: unpacked from Debian's packages ({}, {})",
                toolchain.version()?,
                folder.display()
            );
            Ok(toolchain)
        }
        Err(second) => bail!(
            "no tool chain with the sources of std.\nrustup: {failure:#}\nDebian: {second:#}\n\
             With a network `rustup component add rust-src` is enough."
        ),
    }
}

/// The folder of the tool chain that builds the native code.
fn sysroot() -> Result<PathBuf> {
    let mut rustc = Command::new("rustc");
    Ok(quiet(rustc.args(["--print", "sysroot"]).current_dir(project::root()))?.trim().into())
}

fn from_rustup(stable: &Path) -> Result<Toolchain> {
    find("rustup").context("not installed")?;
    let mut rustup = Command::new("rustup");
    // Offline it would try every file again and again.
    rustup.env("RUSTUP_MAX_RETRIES", "1").current_dir(project::root());
    quiet(rustup.args(["component", "add", "rust-src"]))?;
    Toolchain::at(stable).with_context(|| format!("rustup put no std sources into {}", stable.display()))
}

/// Has rustup fetch the std for wasm that is ready for use. It saves minutes; where it cannot be had, std is built.
fn add_std(toolchain: &Toolchain) {
    if !toolchain.has_std(TARGET) && find("rustup").is_some() {
        let mut rustup = Command::new("rustup");
        rustup.env("RUSTUP_MAX_RETRIES", "1").current_dir(project::root());
        match quiet(rustup.args(["target", "add", TARGET])) {
            Ok(_) => eprintln!("std for {TARGET}: installed with rustup"),
            Err(_) => eprintln!("std for {TARGET}: rustup cannot fetch it, so it is built"),
        }
    }
}

/// Packages of Debian's compiler that are named without a version.
const DEBIAN_PACKAGES: [&str; 5] =
    ["rustc-web", "libstd-rust-web-dev", "rust-web-src", "rust-web-clippy", "rustfmt-web"];

fn from_debian(folder: &Path, stable: &Path) -> Result<Toolchain> {
    find("dpkg-deb").context("not a Debian system")?;
    let version = debian_version()?;
    let downloads = folder.with_extension("download");
    let _ = fs::remove_dir_all(&downloads);
    let _ = fs::remove_dir_all(folder);
    fs::create_dir_all(&downloads)?;
    let series: String = version.split('.').take(2).collect::<Vec<_>>().join(".");
    let library = format!("libstd-rust-web-{series}");
    let wanted = DEBIAN_PACKAGES.iter().copied().chain([library.as_str()]);
    quiet(
        Command::new("apt-get")
            .arg("download")
            .args(wanted.map(|package| format!("{package}={version}")))
            .current_dir(&downloads),
    )?;
    for package in fs::read_dir(&downloads)? {
        quiet(Command::new("dpkg-deb").arg("-x").arg(package?.path()).arg(folder))?;
    }
    fs::remove_dir_all(&downloads)?;
    link(&folder.join("usr"), stable)?;
    let toolchain = Toolchain::at(&folder.join("usr"))
        .with_context(|| format!("the packages of {version} hold no std sources where they were expected"))?;
    // The compiler is linked against its own LLVM, whose package may be installed like any library.
    if toolchain.version().is_err() {
        tools::apt_install(&[&llvm_package(folder)?])?;
        toolchain.version()?;
    }
    Ok(toolchain)
}

/// The version of the sources, as `1.96.0+dfsg1-1~deb12u2`; every other package must have the same.
fn debian_version() -> Result<String> {
    let candidate = || -> Result<Option<String>> {
        let policy = quiet(Command::new("apt-cache").args(["policy", "rust-web-src"]).env("LC_ALL", "C"))?;
        Ok(candidate(&policy))
    };
    if let Some(version) = candidate()? {
        return Ok(version);
    }
    tools::apt_update()?;
    candidate()?.context("apt knows no package rust-web-src")
}

fn candidate(policy: &str) -> Option<String> {
    let version = policy.lines().find_map(|line| line.trim().strip_prefix("Candidate: "))?;
    (version != "(none)").then(|| version.to_string())
}

/// The package of the LLVM library that the unpacked compiler asks for, as `libllvm22`.
fn llvm_package(folder: &Path) -> Result<String> {
    let libraries = folder.join("usr/lib/x86_64-linux-gnu");
    for entry in fs::read_dir(&libraries)?.flatten() {
        if entry.file_name().to_string_lossy().starts_with("librustc_driver") {
            let bytes = fs::read(entry.path())?;
            let name = b"libLLVM.so.";
            if let Some(at) = bytes.windows(name.len()).position(|window| window == name) {
                let digits: String = bytes[at + name.len()..]
                    .iter()
                    .map(|&b| b as char)
                    .take_while(char::is_ascii_digit)
                    .collect();
                return Ok(format!("libllvm{digits}"));
            }
        }
    }
    bail!("the compiler does not start and names no LLVM library")
}

/// Makes the unpacked packages a tool chain in rustup's eyes.
#[cfg(unix)]
fn link(usr: &Path, stable: &Path) -> Result<()> {
    use std::os::unix::fs::symlink;
    let replace = |target: &Path, link: PathBuf| -> Result<()> {
        fs::create_dir_all(link.parent().expect("links lie in a folder"))?;
        let _ = fs::remove_file(&link);
        symlink(target, &link).with_context(|| format!("cannot link {}", link.display()))
    };
    replace(&stable.join("bin/cargo"), usr.join("bin/cargo"))?;
    for entry in fs::read_dir(usr.join("lib/x86_64-linux-gnu"))?.flatten() {
        let name = entry.file_name();
        if name.to_string_lossy().starts_with("librustc_driver") {
            replace(&Path::new("x86_64-linux-gnu").join(&name), usr.join("lib").join(&name))?;
        }
    }
    let sources = fs::read_dir(usr.join("src"))?
        .flatten()
        .map(|entry| entry.path())
        .find(|path| path.join("library/std").is_dir())
        .context("rust-web-src holds no library/std")?;
    replace(&fs::canonicalize(sources)?, usr.join("lib/rustlib/src/rust"))?;
    let linker = "lib/rustlib/x86_64-unknown-linux-gnu/bin/rust-lld";
    replace(&stable.join(linker), usr.join(linker))?;
    Ok(())
}

#[cfg(not(unix))]
fn link(_: &Path, _: &Path) -> Result<()> {
    bail!("not a Debian system")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_candidate_is_read_from_apt() {
        let policy =
            "rust-web-src:\n  Installed: (none)\n  Candidate: 1.96.0+dfsg1-1~deb12u2\n  Version table:\n";
        assert_eq!(candidate(policy).as_deref(), Some("1.96.0+dfsg1-1~deb12u2"));
        assert_eq!(candidate("rust-web-src:\n  Candidate: (none)\n"), None);
        assert_eq!(candidate(""), None);
    }
}
