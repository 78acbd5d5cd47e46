//! The simulator as a program; the README beside it shows its use.

mod arguments;

use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use arguments::Wanted;
use emnify_simulator::SimulatorBuilder;

fn main() -> ExitCode {
    let outcome = match arguments::read(std::env::args_os().skip(1)) {
        Ok(Wanted::Help) => {
            // A reader that closed early, such as `head`, is no error.
            let _ = io::stdout().write_all(arguments::HELP.as_bytes());
            return ExitCode::SUCCESS;
        }
        Ok(Wanted::Run { builder, url_out }) => run(*builder, url_out.as_deref()),
        Err(wrong) => {
            let _ = writeln!(io::stderr(), "emnify-simulator: {wrong}");
            return ExitCode::from(2);
        }
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "emnify-simulator: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(builder: SimulatorBuilder, url_out: Option<&Path>) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        // Before anybody can know the address: whoever reads it may end the program at once.
        let signals = Signals::listen()?;
        let simulator = builder.start()?;
        let url = simulator.base_url();
        if let Some(path) = url_out {
            write_whole(path, &url).map_err(|error| {
                let place = path.display();
                io::Error::new(error.kind(), format!("--url-out {place}: {error}"))
            })?;
        }
        let mut output = io::stdout();
        let _ = writeln!(output, "{url}").and_then(|()| output.flush());
        signals.wait().await;
        Ok(())
    })
}

/// Writes the file so that a reader sees it whole or not at all.
fn write_whole(path: &Path, url: &str) -> io::Result<()> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(format!(".{}", std::process::id()));
    std::fs::write(&beside, format!("{url}\n"))?;
    std::fs::rename(&beside, path)
}

#[cfg(unix)]
struct Signals {
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn listen() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};

        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    async fn wait(mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    fn listen() -> io::Result<Self> {
        Ok(Self)
    }

    async fn wait(self) {
        let _ = tokio::signal::ctrl_c().await;
    }
}
