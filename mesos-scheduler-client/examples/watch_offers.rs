//! Prints the offers of a cluster and declines them.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "an example is a program")]

use std::{env, error::Error, process::ExitCode};

use mesos_proto::v1::{FrameworkInfo, Offer};
use mesos_scheduler_client::{Client, ClientBuilder, Event, Events, Masters};

const USAGE: &str = "usage: watch_offers [--count N] MASTERS

Prints the offers of a Mesos cluster and declines them, until Ctrl-C or until there were N.
MASTERS is the URL of a master, http://host:5050 or https://host:5050, or a list of them with commas between;
or zk://host:2181/mesos in a build with the feature zookeeper (cargo run --features zookeeper ...).";

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    if matches!(&arguments[..], [option] if option == "--help" || option == "-h") {
        println!("{USAGE}");
        return ExitCode::SUCCESS;
    }
    let started = parse(&arguments).and_then(|(masters, count)| Ok((start(masters)?, count)));
    let ((client, events), count) = match started {
        Ok(started) => started,
        Err(problem) => {
            eprintln!("watch_offers: {problem}\n\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    match watch(&client, events, count).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("watch_offers: {error}");
            ExitCode::FAILURE
        }
    }
}

fn parse(arguments: &[String]) -> Result<(&str, usize), Box<dyn Error>> {
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let (count, masters) = match arguments[..] {
        ["--count", count, masters] => {
            let number = count.parse().ok().filter(|number| *number > 0);
            (number.ok_or_else(|| format!("'{count}' is no count, expected a number from 1"))?, masters)
        }
        [option, ..] if option.starts_with('-') && option != "--count" => {
            return Err(format!("unknown option '{option}', expected --count N").into());
        }
        [masters] if masters != "--count" => (usize::MAX, masters),
        _ => {
            let expected = "expected MASTERS, and --count N before it if at all";
            return Err(format!("{expected}, seen: {arguments:?}").into());
        }
    };
    Ok((masters, count))
}

/// What fails here is wrong with the arguments.
fn start(masters: &str) -> Result<(Client, Events), Box<dyn Error>> {
    let info =
        FrameworkInfo { user: "nobody".into(), name: "watch_offers".into(), ..FrameworkInfo::default() };
    Ok(ClientBuilder::new(info, Masters::parse(masters)?).start()?)
}

async fn watch(client: &Client, mut events: Events, count: usize) -> Result<(), Box<dyn Error>> {
    tokio::select! {
        watched = print_offers(client, &mut events, count) => watched?,
        interrupted = tokio::signal::ctrl_c() => interrupted?,
    }
    // Without it the master would do the same as soon as it notices that the connection is closed.
    client.teardown().await?;
    Ok(())
}

async fn print_offers(client: &Client, events: &mut Events, count: usize) -> Result<(), Box<dyn Error>> {
    let mut printed = 0;
    while let Some(event) = events.next().await {
        match event {
            Event::Subscribed { framework_id, url, .. } => eprintln!("{url}: subscribed as {framework_id}"),
            Event::Mesos(event) => {
                let offers = event.offers.unwrap_or_default().offers;
                for offer in &offers {
                    println!("{}", describe(offer));
                    printed += 1;
                    if printed == count {
                        return Ok(());
                    }
                }
                // An offer that is neither used nor declined is kept from everybody.
                if !offers.is_empty() {
                    drop(client.decline(offers.into_iter().map(|offer| offer.id).collect(), None));
                }
            }
            Event::Disconnected { why, retry_in, .. } => eprintln!("{why}; trying again in {retry_in:?}"),
            Event::Closed(reason) => return Err(reason.to_string().into()),
            _ => {}
        }
    }
    Ok(())
}

fn describe(offer: &Offer) -> String {
    let resources: Vec<_> = offer.resources.iter().map(ToString::to_string).collect();
    let attributes: Vec<_> = offer
        .attributes
        .iter()
        .map(|attribute| {
            let value = attribute.canonical_text().unwrap_or_default();
            format!("{}:{value}", attribute.name)
        })
        .collect();
    format!("{} {} {} {}", offer.id, offer.hostname, resources.join(";"), attributes.join(";"))
}
