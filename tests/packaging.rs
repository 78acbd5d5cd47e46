//! What `make install` and `make deb` make, used by projects that have nothing but that: with make and
//! pkg-config, with CMake, with Meson, from Debian packages, and beside another Rust library.

#[path = "packaging/consumers.rs"]
mod consumers;
#[path = "packaging/debian.rs"]
mod debian;
mod support;

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use emnify_simulator::{DEFAULT_APPLICATION_TOKEN, Simulator};
use support::{STRICT, have, must, root, stage};
use tempfile::TempDir;

const VERSION: &str = env!("CARGO_PKG_VERSION");
const PREFIX: &str = "/opt/emnify";

/// What the other projects print.
fn signed_in() -> String {
    format!("signed in with {VERSION}\n")
}

fn soversion() -> String {
    let (major, minor) = (env!("CARGO_PKG_VERSION_MAJOR"), env!("CARGO_PKG_VERSION_MINOR"));
    if major == "0" { format!("0.{minor}") } else { major.into() }
}

fn temporary() -> TempDir {
    TempDir::new().expect("a temporary folder can be made")
}

/// The folder in which the Makefile builds, which is the one of the stage.
fn build() -> &'static Path {
    stage().parent().expect("the stage is in the build folder")
}

/// `make` of this tree, on what `make stage` built.
fn make(arguments: &[&str]) -> Command {
    let mut command = Command::new("make");
    command.current_dir(root()).arg(format!("BUILD={}", build().display())).args(arguments);
    // Of the make that runs the tests.
    for name in ["MAKEFLAGS", "MAKEOVERRIDES", "MAKELEVEL", "MFLAGS"] {
        command.env_remove(name);
    }
    command
}

/// Installs below `destination`. There is no Rust: that it was built is enough.
fn install(destination: &Path, settings: &[&str]) -> String {
    let destination = format!("DESTDIR={}", destination.display());
    let defaults = ["CARGO=false", "RUSTC=false", &destination, &format!("PREFIX={PREFIX}")];
    must(make(&["install"]).args(defaults).args(settings))
}

/// An installation for all tests, in a `DESTDIR`.
fn installed() -> &'static Path {
    static INSTALLED: OnceLock<PathBuf> = OnceLock::new();
    INSTALLED.get_or_init(|| {
        let destination = Path::new(env!("CARGO_TARGET_TMPDIR")).join("packaging");
        let _ = fs::remove_dir_all(&destination);
        install(&destination, &[]);
        destination
    })
}

/// What was asked for as `PREFIX`.
fn prefix() -> PathBuf {
    below(installed(), PREFIX)
}

fn below(destination: &Path, path: &str) -> PathBuf {
    destination.join(path.trim_start_matches('/'))
}

fn archive() -> PathBuf {
    prefix().join("lib/libemnify.a")
}

/// All files and links below `folder`.
fn files(folder: &Path) -> BTreeSet<String> {
    let list = must(Command::new("find").args([".", "!", "-type", "d"]).current_dir(folder));
    list.lines().map(|line| line.trim_start_matches("./").to_owned()).collect()
}

/// A project of ours, out of this tree.
fn project(kind: &str) -> TempDir {
    let folder = temporary();
    let from = root().join("tests/consumers");
    must(Command::new("cp").arg("-R").arg(from.join(kind).join(".")).arg(folder.path()));
    for source in ["sign_in.c", "sign_in.cpp"] {
        fs::copy(from.join(source), folder.path().join(source)).expect("a source can be copied");
    }
    folder
}

/// A command that finds the library in the `DESTDIR` by pkg-config, as when a system is built for
/// another machine.
fn with_sysroot(program: &str) -> Command {
    let mut command = Command::new(program);
    command.env("PKG_CONFIG_SYSROOT_DIR", installed());
    command.env("PKG_CONFIG_LIBDIR", prefix().join("lib/pkgconfig"));
    command
}

/// The `pkg-config` of the sysroot.
fn pkg_config(arguments: &[&str]) -> String {
    must(with_sysroot("pkg-config").args(arguments).arg("emnify")).trim().to_owned()
}

/// Runs a program of another project against a simulator.
#[track_caller]
fn run(program: &Path, libraries: &Path) -> String {
    let sim = Simulator::builder().start().expect("a simulator starts");
    let mut command = Command::new("timeout");
    command.args(["--kill-after=5", "60"]).arg(program);
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("EMNIFY_") {
            command.env_remove(name);
        }
    }
    command.env("LD_LIBRARY_PATH", libraries);
    command.env("EMNIFY_BASE_URL", sim.base_url());
    command.env("EMNIFY_APPLICATION_TOKEN", DEFAULT_APPLICATION_TOKEN);
    let output = must(&mut command);
    assert_eq!(sim.violations(), Vec::<String>::new());
    output
}

#[track_caller]
fn signs_in(program: &Path) {
    assert_eq!(run(program, &prefix().join("lib")), signed_in(), "{}", program.display());
}

/// The shared libraries that the system loads for `binary`.
fn needed(binary: &Path) -> BTreeSet<String> {
    dynamic(binary, "(NEEDED)").into_iter().collect()
}

fn dynamic(binary: &Path, tag: &str) -> Vec<String> {
    let list = must(Command::new("readelf").args(["--dynamic", "--wide"]).arg(binary));
    let values = list.lines().filter(|line| line.contains(tag));
    values.filter_map(|line| Some(line.split_once('[')?.1.split_once(']')?.0.to_owned())).collect()
}

/// That both kinds of program are what they say, and work.
fn both_kinds_sign_in(folder: &Path, suffixes: &[&str]) {
    let shared = format!("libemnify.so.{}", soversion());
    for suffix in suffixes {
        let program = folder.join(format!("shared{suffix}"));
        assert!(needed(&program).contains(&shared), "{}", program.display());
        signs_in(&program);
        let program = folder.join(format!("static{suffix}"));
        assert!(!needed(&program).contains(&shared), "{}", program.display());
        signs_in(&program);
    }
}

#[test]
fn the_libraries_name_no_folder_of_the_machine_that_built_them() {
    let home = |variable: &str| std::env::var(variable).ok().filter(|it| !it.is_empty());
    let cargo_home = home("CARGO_HOME").or_else(|| Some(home("HOME")? + "/.cargo"));
    let folders = [root().to_str().map(str::to_owned), cargo_home];
    for library in ["libemnify.so", "libemnify.a"] {
        let bytes = fs::read(stage().join("lib").join(library)).expect("it is installed");
        for folder in folders.iter().flatten() {
            let found = bytes.windows(folder.len()).position(|part| part == folder.as_bytes());
            assert_eq!(found, None, "{library} holds {folder}");
        }
    }
}

#[test]
fn an_installation_is_complete_and_can_be_taken_away() {
    let destination = temporary();
    let others = below(destination.path(), PREFIX).join("lib/pkgconfig/other.pc");
    install(destination.path(), &[]);
    fs::write(&others, "").expect("a file can be written");

    let mut expected = BTreeSet::from(
        [
            "include/emnify.h",
            "include/emnify.hpp",
            "lib/cmake/emnify/emnifyConfig.cmake",
            "lib/cmake/emnify/emnifyConfigVersion.cmake",
            "lib/libemnify.a",
            "lib/libemnify.so",
            "lib/pkgconfig/emnify.pc",
            "lib/pkgconfig/other.pc",
            "share/doc/emnify/CHANGELOG.md",
            "share/doc/emnify/LICENSE-APACHE",
            "share/doc/emnify/LICENSE-MIT",
            "share/doc/emnify/README.md",
            "share/doc/emnify/third-party-licences.txt",
        ]
        .map(String::from),
    );
    expected.extend([soversion().as_str(), VERSION].map(|v| format!("lib/libemnify.so.{v}")));
    let all = files(&below(destination.path(), PREFIX));
    let (examples, rest): (BTreeSet<_>, BTreeSet<_>) =
        all.into_iter().partition(|file| file.starts_with("share/doc/emnify/examples/"));
    assert_eq!(rest, expected);
    assert!(examples.contains("share/doc/emnify/examples/get_token.c"));

    let at = format!("DESTDIR={}", destination.path().display());
    must(&mut make(&["uninstall", &at, &format!("PREFIX={PREFIX}")]));
    let left = BTreeSet::from(["lib/pkgconfig/other.pc".to_owned()]);
    assert_eq!(files(&below(destination.path(), PREFIX)), left);
    assert!(!below(destination.path(), PREFIX).join("share/doc/emnify").exists());
}

#[test]
fn the_shared_library_has_its_name_and_needs_the_system_only() {
    if !have(&["readelf"]) {
        return;
    }
    let object = prefix().join("lib/libemnify.so");
    assert_eq!(dynamic(&object, "(SONAME)"), [format!("libemnify.so.{}", soversion())]);
    let system =
        ["libc.so.", "libgcc_s.so.", "libm.so.", "libpthread.so.", "libdl.so.", "librt.so."];
    for library in needed(&object) {
        let known =
            library.starts_with("ld-") || system.iter().any(|name| library.starts_with(name));
        assert!(known, "{library}");
    }
    let nothing = Vec::<String>::new();
    assert_eq!(
        [dynamic(&object, "(RPATH)"), dynamic(&object, "(RUNPATH)")],
        [nothing.clone(), nothing]
    );
}

#[test]
fn the_static_library_shows_its_own_functions_only() {
    if !have(&["nm", "readelf"]) {
        return;
    }
    let list = must(Command::new("nm").args(["-g", "--defined-only"]).arg(archive()));
    let symbols: Vec<_> = list
        .lines()
        .filter_map(|line| line.split_whitespace().nth(2))
        .collect::<BTreeSet<_>>()
        .into_iter()
        .collect();
    let expected = fs::read_to_string(root().join("tests/symbols.txt")).expect("the list is there");
    assert_eq!(symbols, expected.lines().collect::<Vec<_>>());

    let sections = must(Command::new("readelf").args(["--sections", "--wide"]).arg(archive()));
    assert!(!sections.contains(" .debug_info") && !sections.contains(" .llvmbc"));
    assert!(sections.contains(" .eh_frame"));
}

#[test]
fn the_linker_leaves_out_what_a_program_does_not_use() {
    let folder = temporary();
    let program = folder.path().join("version");
    let build = link("version.c", &["-Wl,--gc-sections", "-s"], &[archive()], &program);
    build.expect("it links");
    let size = fs::metadata(&program).expect("it was built").len();
    assert!(size < 200_000, "{size} bytes for a version");
    assert_eq!(run(&program, Path::new("")), format!("{VERSION}\n"));
}

/// Compiles a source of `tests/consumers` with static libraries, in this order.
fn link(source: &str, flags: &[&str], archives: &[PathBuf], to: &Path) -> Result<(), String> {
    let mut command = Command::new("gcc");
    command.args(["-std=gnu99", "-O2"]).args(STRICT).arg("-o").arg(to);
    command.arg("-I").arg(prefix().join("include"));
    command.arg(root().join("tests/consumers").join(source)).args(flags).args(archives);
    command.args(pkg_config(&["--libs-only-l", "--static"]).split(' ').skip(1));
    let output = command.output().expect("gcc runs");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    if output.status.success() { Ok(()) } else { Err(said) }
}

#[test]
fn a_panic_inside_the_static_library_is_still_caught() {
    if !have(&["gcc", "pkg-config"]) {
        return;
    }
    let folder = temporary();
    let program = folder.path().join("panic");
    for flags in [&["-Wl,--gc-sections"][..], &["-static-libgcc"], &["-Wl,-z,now", "-pie", "-fPIE"]]
    {
        link("panic.c", flags, &[archive()], &program).expect("it links");
        assert_eq!(run(&program, Path::new("")), "EMNIFY_ERROR_INTERNAL\nEMNIFY_OK\n", "{flags:?}");
    }
}

#[test]
fn another_rust_library_goes_into_the_same_program_in_either_order() {
    if !have(&["gcc", "pkg-config"]) {
        return;
    }
    let folder = temporary();
    let source = root().join("tests/consumers/other-rust");
    must(Command::new("cp").arg("-R").arg(source.join(".")).arg(folder.path()));
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["build", "--quiet", "--release", "--offline", "--target-dir"]);
    must(cargo.arg(folder.path().join("target")).current_dir(folder.path()));
    let other = folder.path().join("target/release/libother_rust.a");

    let program = folder.path().join("program");
    for archives in [[archive(), other.clone()], [other, archive()]] {
        link("two_rusts.c", &[], &archives, &program).expect("it links");
        assert_eq!(run(&program, Path::new("")), "both work\n");
    }
}

#[test]
fn where_the_tools_cannot_keep_symbols_back_the_library_is_taken_as_it_is() {
    let folder = temporary();
    let (whole, out) = (build().join("whole.a"), folder.path().join("libemnify.a"));
    for tool in ["LD", "OBJCOPY", "AR", "NM"] {
        let mut command = Command::new("sh");
        command.arg("packaging/localise.sh").args([&whole, &out]).arg("emnify_");
        let output = command.env(tool, "false").current_dir(root()).output().expect("sh runs");
        assert!(output.status.success(), "{tool}");
        let warning = String::from_utf8_lossy(&output.stderr);
        assert_eq!((warning.lines().count(), warning.contains("warning")), (1, true), "{warning}");
        assert!(fs::read(&out).expect("it is there") == fs::read(&whole).expect("it is there"));
        assert_eq!(files(folder.path()).len(), 1);
    }
}

#[test]
fn nothing_installed_for_builds_names_this_machine() {
    let destination = temporary();
    install(destination.path(), &["LIBDIR=/opt/emnify/lib/some-machine"]);
    let folder = below(destination.path(), PREFIX).join("lib/some-machine");
    let ours = [destination.path(), root(), build()].map(|path| path.display().to_string());
    for file in ["pkgconfig/emnify.pc", "cmake/emnify/emnifyConfig.cmake"] {
        let text = fs::read_to_string(folder.join(file)).expect("it is installed");
        assert!(ours.iter().all(|path| !text.contains(path)), "{text}");
        assert!(!text.contains('@') && !text.contains("//"), "{text}");
        // One place says where it is: pkg-config's prefix. CMake works it out.
        let times = usize::from(file.ends_with(".pc"));
        assert_eq!(text.matches(PREFIX).count(), times, "{text}");
    }
}

#[test]
fn another_machine_is_one_setting() {
    let mut command = Command::new("make");
    command.args(["--dry-run", "install", "TARGET=armv7-unknown-linux-gnueabihf"]);
    for name in ["MAKEFLAGS", "MAKEOVERRIDES", "MAKELEVEL", "MFLAGS", "LD", "AR", "NM", "OBJCOPY"] {
        command.env_remove(name);
    }
    let plan = must(command.current_dir(root()));
    for part in [
        "--target armv7-unknown-linux-gnueabihf --release",
        "LD=\"arm-linux-gnueabihf-ld\" AR=\"arm-linux-gnueabihf-ar\" NM=\"arm-linux-gnueabihf-nm\"",
        "build/armv7-unknown-linux-gnueabihf/libemnify.a",
    ] {
        assert!(plan.contains(part), "{part}:\n{plan}");
    }
}
