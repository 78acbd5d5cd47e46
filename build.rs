//! Makes the C header, where the feature `headergen` asks for it: into cargo's own folder, since a
//! package that is built must not change its sources. `make header` copies it.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    #[cfg(feature = "headergen")]
    header::generate();
}

#[cfg(feature = "headergen")]
mod header {
    use std::env;
    use std::path::Path;

    /// The files of the C layer in the order in which the header shows them.
    const FILES: [&str; 15] = [
        "version",
        "status",
        "error",
        "config",
        "client",
        "token",
        "mfa",
        "workspace",
        "response",
        "request",
        "text",
        "sms",
        "application_token",
        "application_token_list",
        "free",
    ];

    pub(super) fn generate() {
        let root = env::var("CARGO_MANIFEST_DIR").expect("cargo sets it");
        let out = env::var("OUT_DIR").expect("cargo sets it");
        let config = Path::new(&root).join("cbindgen.toml");
        println!("cargo:rerun-if-changed=src/ffi");
        println!("cargo:rerun-if-changed=cbindgen.toml");

        let config = cbindgen::Config::from_file(config).expect("cbindgen.toml is valid");
        let bindings = FILES
            .iter()
            .map(|name| Path::new(&root).join(format!("src/ffi/{name}.rs")))
            .fold(cbindgen::Builder::new().with_config(config), |builder, file| {
                builder.with_src(file)
            })
            .generate()
            .expect("the C layer can be read");
        let mut header = Vec::new();
        bindings.write(&mut header);
        let header = String::from_utf8(header).expect("cbindgen writes UTF-8");
        std::fs::write(Path::new(&out).join("emnify.h"), for_c(&header))
            .expect("cargo's own folder can be written to");
    }

    /// The header without what only Rust readers need, and without what C89 does not know.
    fn for_c(header: &str) -> String {
        let mut lines: Vec<&str> = Vec::new();
        let mut in_safety = false;
        for line in header.lines() {
            // What an unsafe function asks for is what C asks for anyway: valid pointers.
            if line.trim() == "* # Safety" {
                in_safety = true;
                while lines.last().is_some_and(|last| last.trim() == "*") {
                    lines.pop();
                }
            }
            in_safety &= line.trim() != "*/";
            if !in_safety {
                lines.push(line);
            }
        }
        let header = lines.join("\n") + "\n";
        header
            .replace("#endif // __cplusplus", "#endif /* __cplusplus */")
            .replace("#endif  // __cplusplus", "#endif /* __cplusplus */")
            .replace(
                "#ifdef __cplusplus\n}  // extern \"C\"",
                "#ifdef __cplusplus\n} /* extern \"C\" */",
            )
    }
}
