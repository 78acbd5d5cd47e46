//! Builds C and C++ programs against the staged library as a user would, and runs them with a
//! limit on their time.
//!
//! The library comes from `EMNIFY_STAGE`, which `make check` sets, or from `make stage`.

#![allow(
    dead_code,
    unreachable_pub,
    reason = "each test file is a crate of its own and uses some of this"
)]

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use tempfile::TempDir;

/// A loop or a hang ends here. Long, because other tests run at the same time.
const TIME_LIMIT: &str = "100";

/// What a firmware team builds with.
pub const STRICT: [&str; 5] = ["-Wall", "-Wextra", "-Wpedantic", "-Werror", "-g"];

pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Where the library is installed, made by `make stage` unless `EMNIFY_STAGE` says where it is.
pub fn stage() -> &'static Path {
    static STAGE: OnceLock<PathBuf> = OnceLock::new();
    STAGE.get_or_init(|| match std::env::var_os("EMNIFY_STAGE") {
        Some(stage) => stage.into(),
        None => {
            must(Command::new("make").arg("stage").current_dir(root()));
            root().join("build/stage")
        }
    })
}

pub fn shared_object() -> PathBuf {
    stage().join("lib/libemnify.so")
}

/// Whether the tools are there. Where one is not, the test says so and is over; in CI, where a
/// test that is left out unseen would be a lie, it fails.
pub fn have(tools: &[&str]) -> bool {
    let answers = |tool: &str, question: &str| {
        let found = Command::new(tool).arg(question).output();
        found.is_ok_and(|output| output.status.success())
    };
    // The second is openssl's.
    let missing =
        tools.iter().find(|tool| !answers(tool, "--version") && !answers(tool, "version"));
    if let Some(tool) = missing {
        assert!(std::env::var_os("CI").is_none(), "{tool} is not installed");
        println!("skipped: {tool} is not installed");
    }
    missing.is_none()
}

/// Runs a command that has to succeed, and returns its output.
#[track_caller]
pub fn must(command: &mut Command) -> String {
    let outcome = Outcome::of(command);
    outcome.expect_success(&format!("{command:?}"));
    outcome.stdout
}

/// What became of a program.
#[derive(Debug)]
pub struct Outcome {
    /// `None`: a signal ended it.
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
    status: String,
}

impl Outcome {
    #[track_caller]
    pub fn of(command: &mut Command) -> Self {
        let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
        Self {
            code: output.status.code(),
            status: output.status.to_string(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    #[track_caller]
    pub fn expect_success(&self, what: &str) {
        let Self { status, stdout, stderr, .. } = self;
        let late = if self.code == Some(124) { ", the time limit" } else { "" };
        assert!(self.code == Some(0), "{what}: {status}{late}\n{stdout}{stderr}");
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Link {
    Shared,
    Static,
    /// By the program itself, with dlopen.
    Not,
}

/// A program to be built.
pub struct Source {
    files: Vec<PathBuf>,
    compiler: String,
    flags: Vec<String>,
    link: Link,
}

impl Source {
    /// `tests/c/<name>.c`, in C99 as most firmware is.
    pub fn c(name: &str, link: Link) -> Self {
        let file = root().join(format!("tests/c/{name}.c"));
        Self::files([file], "gcc", link).flag("-std=c99").flag("-D_GNU_SOURCE")
    }

    pub fn files(files: impl IntoIterator<Item = PathBuf>, compiler: &str, link: Link) -> Self {
        let flags = STRICT.map(String::from).into();
        Self { files: files.into_iter().collect(), compiler: compiler.into(), flags, link }
    }

    pub fn compiler(mut self, compiler: &str) -> Self {
        self.compiler = compiler.into();
        self
    }

    pub fn flag(mut self, flag: &str) -> Self {
        self.flags.push(flag.into());
        self
    }

    #[track_caller]
    pub fn build(self) -> Program {
        let directory = TempDir::new().expect("a temporary folder can be made");
        let path = directory.path().join("program");
        let mut command = Command::new(&self.compiler);
        command.args(&self.flags).args(&self.files).arg("-o").arg(&path);
        command.args(pkg_config(&["--cflags"]));
        match self.link {
            Link::Shared => {
                let rpath = format!("-Wl,-rpath,{}", stage().join("lib").display());
                command.args(pkg_config(&["--libs"])).arg(rpath);
            }
            Link::Static => {
                let others = pkg_config(&["--static", "--libs-only-l"]);
                command.arg(stage().join("lib/libemnify.a"));
                command.args(others.iter().filter(|library| *library != "-lemnify"));
            }
            Link::Not => {}
        }
        must(command.arg("-pthread"));
        Program { path, directory }
    }
}

fn pkg_config(arguments: &[&str]) -> Vec<String> {
    let mut command = Command::new("pkg-config");
    command.env("PKG_CONFIG_PATH", stage().join("lib/pkgconfig"));
    must(command.args(arguments).arg("emnify")).split_whitespace().map(String::from).collect()
}

/// A program that was built. Its folder goes with it.
pub struct Program {
    path: PathBuf,
    directory: TempDir,
}

impl Program {
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A folder for what the program needs.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// Runs it.
    #[track_caller]
    pub fn run<A: AsRef<OsStr>>(&self, arguments: &[A]) -> Outcome {
        self.run_under(&[], arguments)
    }

    /// Runs it under `wrapper`, such as valgrind. Nothing of the caller's own settings reaches it.
    #[track_caller]
    pub fn run_under<A: AsRef<OsStr>>(&self, wrapper: &[&str], arguments: &[A]) -> Outcome {
        let mut command = Command::new("timeout");
        // In a process group of its own, all of which is killed.
        command.args(["--kill-after=5", TIME_LIMIT]).args(wrapper).arg(&self.path).args(arguments);
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("EMNIFY_") {
                command.env_remove(name);
            }
        }
        Outcome::of(command.current_dir(self.directory()))
    }
}
