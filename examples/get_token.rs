//! Signs in, says how long the token is good for, and lists the first SIMs.
//!
//!     EMNIFY_APPLICATION_TOKEN=... cargo run --example get_token

use emnify::{Client, Error};

fn main() {
    if let Err(error) = run() {
        eprintln!("{error}");
        std::process::exit(1);
    }
}

fn run() -> Result<(), Error> {
    let client = Client::from_env()?;
    let token = client.auth_token()?;
    println!("Signed in: the token is good for {} s.", token.expires_in().as_secs());
    for sim in client.sims().take(5) {
        let sim = sim?;
        println!("SIM {}: ICCID {}", sim.id, sim.iccid.as_deref().unwrap_or("not known"));
    }
    Ok(())
}
