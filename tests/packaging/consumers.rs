//! Projects of others that build on an installation: make, CMake, Meson.

use super::*;

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
