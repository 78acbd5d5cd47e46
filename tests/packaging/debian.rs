//! The Debian packages.

use super::*;

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
