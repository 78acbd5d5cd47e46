//! What `make install` and `make deb` make, used by projects that have nothing but that: with make and
//! pkg-config, with CMake, with Meson, from Debian packages, and beside another Rust library.

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
fn a_project_with_make_and_pkg_config_builds_from_a_destdir() {
    if !have(&["make", "pkg-config", "gcc", "readelf"]) {
        return;
    }
    let folder = project("make");
    must(with_sysroot("make").arg("CC=gcc").current_dir(folder.path()));
    both_kinds_sign_in(folder.path(), &[""]);
    // The linker warns that looking up names would need the shared C library. An address needs none.
    must(with_sysroot("make").args(["CC=gcc", "whole"]).current_dir(folder.path()));
    let whole = folder.path().join("whole");
    assert_eq!(needed(&whole), BTreeSet::new());
    signs_in(&whole);
}

#[test]
fn pkg_config_follows_an_installation_that_moves() {
    if !have(&["pkg-config"]) {
        return;
    }
    let here = prefix().display().to_string();
    assert_eq!(pkg_config(&["--cflags"]), format!("-I{here}/include"));
    assert_eq!(pkg_config(&["--libs"]), format!("-L{here}/lib -lemnify"));
    assert_eq!(pkg_config(&["--modversion"]), VERSION);
    assert_eq!(pkg_config(&["--print-requires", "--print-requires-private"]), "");
    let moved =
        must(
            Command::new("pkg-config")
                .env("PKG_CONFIG_LIBDIR", prefix().join("lib/pkgconfig"))
                .args(["--define-variable=prefix=/elsewhere", "--cflags", "--libs", "emnify"]),
        );
    assert_eq!(moved.trim(), "-I/elsewhere/include -L/elsewhere/lib -lemnify");
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

/// Builds the CMake project, with the library below `at`.
fn cmake(folder: &Path, at: &Path) {
    let mut configure = Command::new("cmake");
    configure.args([
        "-S",
        ".",
        "-B",
        "build",
        "-DCMAKE_C_COMPILER=gcc",
        "-DCMAKE_CXX_COMPILER=g++",
    ]);
    configure.arg(format!("-DCMAKE_PREFIX_PATH={}", at.display()));
    must(configure.current_dir(folder));
    must(Command::new("cmake").args(["--build", "build"]).current_dir(folder));
}

#[test]
fn a_project_with_cmake_builds_with_either_target_in_c_and_cxx() {
    if !have(&["cmake", "g++", "readelf"]) {
        return;
    }
    let folder = project("cmake");
    cmake(folder.path(), &prefix());
    both_kinds_sign_in(&folder.path().join("build"), &["_c", "_cpp"]);
}

#[test]
fn the_cmake_package_works_in_other_folders_and_with_one_library_alone() {
    if !have(&["cmake", "g++", "readelf"]) {
        return;
    }
    // Debian's layout, moved, and seen through the /lib that is a link.
    let destination = temporary();
    let settings = ["PREFIX=/usr", "LIBDIR=/usr/lib/some-machine", "SHARED=no"];
    install(destination.path(), &settings);
    let moved = destination.path().join("moved");
    fs::rename(destination.path().join("usr"), &moved).expect("a folder can be moved");
    assert!(!moved.join("lib/some-machine/libemnify.so").exists());
    std::os::unix::fs::symlink("moved/lib", destination.path().join("lib")).expect("a link");

    let folder = project("cmake");
    let through_link = destination.path().join("lib/some-machine/cmake/emnify");
    cmake(folder.path(), &through_link);
    for program in ["shared_c", "static_cpp"] {
        let program = folder.path().join("build").join(program);
        assert!(needed(&program).iter().all(|library| !library.contains("emnify")));
        signs_in(&program);
    }
}

#[test]
fn cmake_takes_versions_with_the_same_interface() {
    if !have(&["cmake"]) {
        return;
    }
    let (major, minor) = (env!("CARGO_PKG_VERSION_MAJOR"), env!("CARGO_PKG_VERSION_MINOR"));
    let patch: u32 = env!("CARGO_PKG_VERSION_PATCH").parse().expect("a number");
    let next_minor = minor.parse::<u32>().expect("a number") + 1;
    let next_major = major.parse::<u32>().expect("a number") + 1;
    let cases = [
        (format!("{major}.{minor}"), "8", "TRUE"),
        (format!("{major}.{minor}.{patch}"), "8", "TRUE EXACT"),
        (format!("{major}.{minor}.{}", patch + 1), "8", "FALSE"),
        (format!("{major}.{next_minor}"), "8", "FALSE"),
        (format!("{next_major}"), "8", "FALSE"),
        (format!("{major}.{minor}...{next_major}"), "8", "TRUE"),
        (format!("{major}.{minor}...<{major}.{minor}.{patch}"), "8", "FALSE"),
        (format!("{major}.{minor}"), "4", "TRUE UNSUITABLE"),
    ];
    // What find_package sets before it asks.
    let script = r#"
        string(REGEX MATCH "^[0-9.]*[0-9]" PACKAGE_FIND_VERSION "${ASKED}")
        string(REGEX MATCH "^([0-9]+)[.]?([0-9]*)" all "${PACKAGE_FIND_VERSION}")
        set(PACKAGE_FIND_VERSION_MAJOR "${CMAKE_MATCH_1}")
        set(PACKAGE_FIND_VERSION_MINOR "0${CMAKE_MATCH_2}")
        math(EXPR PACKAGE_FIND_VERSION_MINOR "${PACKAGE_FIND_VERSION_MINOR}")
        if(ASKED MATCHES "^([0-9]+[0-9.]*)[.][.][.](<?)(.*)$")
          set(PACKAGE_FIND_VERSION_RANGE "${ASKED}")
          set(PACKAGE_FIND_VERSION "${CMAKE_MATCH_1}")
          set(PACKAGE_FIND_VERSION_MAX "${CMAKE_MATCH_3}")
          set(PACKAGE_FIND_VERSION_RANGE_MAX INCLUDE)
          if(CMAKE_MATCH_2)
            set(PACKAGE_FIND_VERSION_RANGE_MAX EXCLUDE)
          endif()
        endif()
        include("${FILE}")
        set(said "${PACKAGE_VERSION_COMPATIBLE}")
        if(PACKAGE_VERSION_EXACT)
          string(APPEND said " EXACT")
        endif()
        if(PACKAGE_VERSION_UNSUITABLE)
          string(APPEND said " UNSUITABLE")
        endif()
        message("said ${said}")
    "#;
    let folder = temporary();
    let file = prefix().join("lib/cmake/emnify/emnifyConfigVersion.cmake");
    fs::write(folder.path().join("ask.cmake"), script).expect("a file can be written");
    for (asked, pointer, expected) in cases {
        let mut command = Command::new("cmake");
        command.arg(format!("-DASKED={asked}")).arg(format!("-DFILE={}", file.display()));
        command.arg(format!("-DCMAKE_SIZEOF_VOID_P={pointer}")).args(["-P", "ask.cmake"]);
        let output = command.current_dir(folder.path()).output().expect("cmake runs");
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(said.trim(), format!("said {expected}"), "{asked}");
    }
}

#[test]
fn a_project_with_meson_builds_shared_and_static_in_c_and_cxx() {
    if !have(&["meson", "ninja", "g++", "readelf"]) {
        return;
    }
    let folder = project("meson");
    let mut setup = with_sysroot("meson");
    must(
        setup
            .args(["setup", "build"])
            .env("CC", "gcc")
            .env("CXX", "g++")
            .current_dir(folder.path()),
    );
    must(Command::new("ninja").args(["-C", "build"]).current_dir(folder.path()));
    both_kinds_sign_in(&folder.path().join("build"), &["_c", "_cpp"]);
}

#[test]
fn debian_packages_install_build_and_run() {
    if !have(&["dpkg-deb", "dpkg", "dpkg-architecture", "pkg-config", "gcc"]) {
        return;
    }
    installed(); // is built, then
    let deb = || {
        let mut deb = make(&["deb", "CARGO=false", "RUSTC=false"]);
        must(
            deb.env("SOURCE_DATE_EPOCH", "1767225600")
                .env_remove("DEBEMAIL")
                .env_remove("DEBFULLNAME"),
        );
        let mut packages: Vec<_> = fs::read_dir(build().join("deb"))
            .expect("the folder is there")
            .map(|entry| entry.expect("an entry").path())
            .filter(|path| path.extension() == Some(OsStr::new("deb")))
            .collect();
        packages.sort();
        packages
    };
    let packages = deb();
    let names: Vec<_> = packages.iter().map(|path| field(path, "Package")).collect();
    assert_eq!(names, ["libemnify-dev".to_owned(), format!("libemnify{}", soversion())]);
    let contents: Vec<_> = packages.iter().map(|path| fs::read(path).expect("a package")).collect();
    deb();
    for (path, before) in packages.iter().zip(&contents) {
        assert!(fs::read(path).expect("a package") == *before, "{} differs", path.display());
    }

    let system = temporary();
    unpack(&packages, system.path());
    let multiarch = must(Command::new("gcc").arg("-print-multiarch")).trim().to_owned();
    let libraries = system.path().join("usr/lib").join(&multiarch);
    let mut cc = Command::new("gcc");
    cc.args(["-std=c99"]).args(STRICT).arg("-I").arg(system.path().join("usr/include"));
    cc.arg(root().join("tests/consumers/sign_in.c")).arg("-o").arg(system.path().join("program"));
    cc.arg("-L").arg(&libraries);
    let mut libs = Command::new("pkg-config");
    libs.env("PKG_CONFIG_LIBDIR", libraries.join("pkgconfig")).args(["--libs", "emnify"]);
    must(cc.args(must(&mut libs).split_whitespace()));
    assert_eq!(run(&system.path().join("program"), &libraries), signed_in());

    if have(&["lintian"]) {
        let mut lintian = Command::new("lintian");
        lintian.args(["--allow-root", "--fail-on", "error,warning"]).args(&packages);
        assert_eq!(must(&mut lintian), "");
    }
}

/// Installs the packages below `system`, where the C library counts as missing. Who is not root may only
/// unpack them.
fn unpack(packages: &[PathBuf], system: &Path) {
    if must(Command::new("id").arg("-u")).trim() != "0" {
        for package in packages {
            must(Command::new("dpkg-deb").arg("--extract").arg(package).arg(system));
        }
        return;
    }
    for folder in ["var/lib/dpkg/updates", "var/lib/dpkg/info"] {
        fs::create_dir_all(system.join(folder)).expect("a folder can be made");
    }
    fs::write(system.join("var/lib/dpkg/status"), "").expect("a file can be written");
    let mut dpkg = Command::new("dpkg");
    dpkg.args(["--force-bad-path", "--force-depends", "--log=/dev/null"]);
    dpkg.arg(format!("--root={}", system.display())).arg("--install").args(packages);
    must(&mut dpkg);
}

fn field(package: &Path, name: &str) -> String {
    must(Command::new("dpkg-deb").arg("--field").arg(package).arg(name)).trim().to_owned()
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
