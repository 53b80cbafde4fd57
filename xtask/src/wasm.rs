//! The builds of the engine that the page chooses from, and the flags that make them.

use crate::project;
use crate::toolchain::{TARGET, Toolchain};
use std::env;
use std::iter;
use std::path::PathBuf;
use std::process::Command;

/// Most memory that an instance may grow to, in bytes. Two runs of VGG4bit at batch 128 with 60,000 images loaded stay
/// well below. The page makes shared memory itself, smaller where the browser refuses this much.
pub const MAX_MEMORY: u32 = 1 << 31;

const RELAXED_SIMD: &str = ",+relaxed-simd";

/// What LLVM is told.
const LLVM: [&str; 6] = [
    // With loop strength reduction V8 spills the micro-kernels' accumulators: the innermost loop runs at less than half of
    // its speed.
    "-disable-lsr",
    // What must be inlined or unrolled says so or is of known length; the rest is kept small (docs/ARCHITECTURE.md).
    "-inline-threshold=25",
    "-inlinehint-threshold=40",
    "-unroll-runtime=false",
    "-unroll-allow-partial=false",
    "-force-vector-interleave=1",
];

/// One build: a folder of pkg/.
#[derive(Debug, PartialEq)]
pub struct Build {
    /// Its folder's name, as in `engineInfo().build`.
    pub name: &'static str,
    /// Shared memory and the pool of workers. Such a build also runs without isolation, as a pool of one.
    pub threads: bool,
    /// Fused multiply-add. Browsers without it refuse the whole module: hence a build of its own.
    pub relaxed_simd: bool,
    /// Cargo's feature of what it offers to JavaScript.
    pub surface: &'static str,
    /// Most bytes of its wasm after gzip: what a visitor over a slow line waits for.
    pub most_gzipped: usize,
}

/// One of the engine, which a first visit waits for.
const ENGINE: Build =
    Build { name: "", threads: false, relaxed_simd: false, surface: "engine", most_gzipped: 400 * 1024 };

/// Best first, as the page tries them. `single` is for browsers that cannot even create shared memory on a page
/// that is not isolated (Safari).
pub const BUILDS: [Build; 3] = [
    Build { name: "relaxed", threads: true, relaxed_simd: true, ..ENGINE },
    Build { name: "simd", threads: true, ..ENGINE },
    Build { name: "single", ..ENGINE },
];

/// Modules that are loaded when they are used: by the first file of images, and by the first export.
pub const LATER: [Build; 2] = [
    Build { name: "readers", surface: "readers", most_gzipped: 250 * 1024, ..ENGINE },
    Build { name: "exports", surface: "exports", most_gzipped: 305 * 1024, ..ENGINE },
];

/// All that pkg/ holds.
pub fn all() -> impl Iterator<Item = &'static Build> {
    BUILDS.iter().chain(&LATER)
}

impl Build {
    /// Compiler flags that decide what the build does, those of the engine's own crate; part of the stamp.
    pub fn flags(&self) -> Vec<String> {
        let mut features = String::from("-Ctarget-feature=+bulk-memory,+mutable-globals,+simd128");
        if self.threads {
            features += ",+atomics";
        }
        if self.relaxed_simd {
            features += RELAXED_SIMD;
        }
        let mut flags = vec![features];
        flags.extend(LLVM.map(|option| format!("-Cllvm-args={option}")));
        flags.push(format!("-Clink-arg=--max-memory={MAX_MEMORY}"));
        if self.threads {
            // What newer compilers no longer add by themselves, and wasm-bindgen's workers need.
            for argument in ["shared-memory", "import-memory"] {
                flags.push(format!("-Clink-arg=--{argument}"));
            }
            for symbol in ["__wasm_init_tls", "__tls_size", "__tls_align", "__tls_base", "__heap_base"] {
                flags.push(format!("-Clink-arg=--export={symbol}"));
            }
        }
        flags
    }

    /// Cargo's features of this build.
    pub fn features(&self) -> &'static [&'static str] {
        if self.threads { &["--features", "threads"] } else { &[] }
    }

    /// `cargo SUBCOMMAND` for this build. What visitors load has a std that is built to be small, with threads one with
    /// atomics; for tests without threads that of rustup will do.
    pub fn cargo(&self, toolchain: &Toolchain, subcommand: &str) -> Command {
        let target = project::target().join("wasm").join(self.folder());
        // The engine alone is told of relaxed SIMD: std and the other crates then serve two builds. What of them is
        // generic or inlined is compiled with the engine, and the wasm as a whole has the features of its parts.
        let mut flags = Build { relaxed_simd: false, ..*self }.flags();
        flags.extend(remap(toolchain));
        if subcommand == "build" {
            // A panic says what was wrong, and tests, which are no such builds, also where.
            flags.push("-Zlocation-detail=none".into());
        }
        let mut cargo = Command::new("cargo");
        cargo
            .current_dir(project::root())
            .args([subcommand, "--package", "nibble", "--target", TARGET])
            .args(self.features())
            .env("RUSTUP_TOOLCHAIN", &toolchain.name)
            .env("RUSTC_BOOTSTRAP", "1")
            .env("CARGO_TARGET_DIR", target)
            .env("CARGO_ENCODED_RUSTFLAGS", flags.join("\x1f"))
            .env_remove("RUSTFLAGS")
            .env_remove("CARGO_BUILD_TARGET");
        if self.threads || subcommand == "build" || !toolchain.has_std(TARGET) {
            cargo
                .env("CARGO_UNSTABLE_BUILD_STD", "std,panic_abort")
                .env("CARGO_UNSTABLE_BUILD_STD_FEATURES", "optimize_for_size");
        }
        // Nothing but the engine's own loops takes time that anybody notices.
        cargo.args(["--config", "profile.release.package.'*'.opt-level='s'"]);
        if self.relaxed_simd {
            cargo.env("CARGO_UNSTABLE_PROFILE_RUSTFLAGS", "true");
            for profile in ["dev", "release"] {
                let flag = format!("-Ctarget-feature={}", RELAXED_SIMD.trim_start_matches(','));
                cargo.arg("--config").arg(format!("profile.{profile}.package.nibble.rustflags=[{flag:?}]"));
            }
        }
        cargo
    }

    /// What `cargo build --release --lib` makes.
    pub fn product(&self) -> PathBuf {
        let target = project::target().join("wasm").join(self.folder());
        target.join(TARGET).join("release/nibble.wasm")
    }

    /// Cargo's target folder below target/wasm: apart from the native one because the compiler may be another, and one
    /// for each std.
    fn folder(&self) -> &'static str {
        if self.threads { "threads" } else { "single" }
    }
}

/// Replaces this machine's folders in the paths that panic messages carry.
fn remap(toolchain: &Toolchain) -> Vec<String> {
    let cargo_home =
        env::var_os("CARGO_HOME").map(PathBuf::from).or_else(|| Some(env::home_dir()?.join(".cargo")));
    // A folder for each registry, named after its host.
    let registries = cargo_home.and_then(|home| home.join("registry/src").read_dir().ok());
    let crates = registries.into_iter().flatten().flatten().map(|registry| (registry.path(), "crates"));
    // The later flag wins, and the tool chain may lie in the project's target folder.
    iter::once((project::root().clone(), "nibble"))
        .chain(crates)
        .chain([(toolchain.std_sources.clone(), "rust")])
        .map(|(from, to)| format!("--remap-path-prefix={}=/{to}", from.display()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_builds_differ_in_what_they_say_they_differ_in() {
        for build in &BUILDS {
            let flags = build.flags().join(" ");
            assert_eq!(flags.contains("+atomics"), build.threads, "{flags}");
            assert_eq!(flags.contains("--shared-memory"), build.threads, "{flags}");
            assert_eq!(flags.contains("+relaxed-simd"), build.relaxed_simd, "{flags}");
            assert!(flags.contains("+simd128") && flags.contains("-disable-lsr"), "{flags}");
            assert!(flags.contains(&format!("--max-memory={MAX_MEMORY}")), "{flags}");
        }
        assert_eq!(MAX_MEMORY % 65_536, 0, "wasm counts memory in pages of 64 KiB");
    }

    #[test]
    fn the_engine_alone_is_told_of_relaxed_simd() {
        let toolchain = Toolchain { name: "/none".into(), std_sources: "/none".into() };
        for build in &BUILDS {
            let cargo = build.cargo(&toolchain, "build");
            let told =
                cargo.get_args().filter(|word| word.to_string_lossy().contains("+relaxed-simd")).count();
            assert_eq!(told > 0, build.relaxed_simd, "{}", build.name);
            let everywhere = cargo.get_envs().find(|(name, _)| *name == "CARGO_ENCODED_RUSTFLAGS");
            let everywhere = everywhere.and_then(|(_, flags)| flags).expect("it is set").to_string_lossy();
            assert!(everywhere.contains("+simd128") && !everywhere.contains("relaxed"), "{everywhere}");
        }
    }
}
