//! Lists the endpoints and whether they are connected, and sends one of them an SMS.
//!
//!     EMNIFY_APPLICATION_TOKEN=... cargo run --example devices [ENDPOINT_ID TEXT]

use emnify::{Client, Error};

fn main() {
    if let Err(error) = run() {
        eprintln!("{error}");
        std::process::exit(1);
    }
}

fn run() -> Result<(), Error> {
    let client = Client::from_env()?;
    for endpoint in client.endpoints().take(5) {
        let endpoint = endpoint?;
        let status = client.endpoint_connectivity(endpoint.id)?.status.unwrap_or_default();
        println!(
            "{} {}: {}",
            endpoint.id,
            endpoint.name.unwrap_or_default(),
            status.description.as_deref().unwrap_or("not known")
        );
    }

    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [endpoint_id, text] = &arguments[..] {
        let Ok(endpoint_id) = endpoint_id.parse() else { usage() };
        // Sent once: where the answer is lost, it may have gone out all the same.
        println!("SMS {}", client.send_sms(endpoint_id, text)?);
    }
    Ok(())
}

fn usage() -> ! {
    eprintln!("usage: devices [ENDPOINT_ID TEXT]");
    std::process::exit(2);
}
