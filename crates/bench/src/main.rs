//! Measures the release build of the server on one core, loaded from another one.
//!
//! Only ratios within one run count, to the signing rate of the cryptographic library and to an HTTP handler
//! that does nothing. BENCHMARKING.md says how to read them.

mod away;
mod beside;
mod browser;
mod console;
mod cores;
mod database;
mod gateway;
mod grpc;
mod limits;
mod load;
mod measures;
mod person;
mod record;
mod schedule;
mod seed;
mod seed_console;
mod seed_sqlite;
mod server;
mod summary;
mod table;
mod upstream;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Result;
use clap::{Parser, Subcommand};
use sessera_model::GoDuration;

/// Measures the release build of the server on one core, loaded from another one
#[derive(Parser)]
struct Arguments {
    /// How often everything is measured
    #[arg(long, default_value_t = 5, global = true)]
    runs: usize,
    /// How many seconds each measurement takes
    #[arg(long, default_value_t = 3, global = true)]
    seconds: u64,
    /// How many people with a session the database holds
    #[arg(long, default_value_t = 10_000, global = true)]
    people: u64,
    /// How many connections are kept open
    #[arg(long, default_value_t = 32, global = true)]
    connections: usize,
    /// How many cores the server has. When the machine has no more, the client shares them
    #[arg(long, default_value_t = 1, global = true)]
    server_cores: usize,
    /// A PostgreSQL database, whose content is deleted; without it SQLite is measured
    #[arg(long, global = true)]
    dsn: Option<String>,
    /// The folder in which databases of SQLite are made [default: the folder for temporary files]
    #[arg(long, global = true)]
    folder: Option<PathBuf>,
    #[command(subcommand)]
    measure: Measure,
}

#[derive(Subcommand)]
enum Measure {
    /// Whoami plain and tokenized with sessions in memory, beside the raw signing rates and an empty handler
    Fast,
    /// What a core gives when the server has one and when it has several
    Cores,
    /// Any server on this machine that answers 200 to a GET, beside an empty handler
    Beside {
        /// What to ask, such as `http://127.0.0.1:4433/sessions/whoami`
        url: String,
        /// A header to send, such as "X-Session-Token: ..."
        #[arg(long = "header")]
        headers: Vec<String>,
    },
    /// Times of tokenized whoami at 80 percent of its greatest rate
    Latency,
    /// Tokenized whoami without sessions in memory
    Uncached,
    /// Whoami at 20 percent of its greatest rate while 50 people sign in
    SignIns,
    /// Whoami at 20 percent of its greatest rate while sign-ins wait for a web hook or a provider that is slow or away
    Away,
    /// The time from start to ready, with a database that exists already
    Start,
    /// Memory with 1,000 and with 100,000 sessions in memory
    Memory,
    /// Uncached whoami with more and more sessions in the database
    Scale {
        /// The numbers of sessions, in rising order
        #[arg(long, value_delimiter = ',', default_value = "1000,100000,10000000")]
        sessions: Vec<u64>,
    },
    /// Whoami at half its greatest rate with every answer checked, while sessions are made and revoked
    Soak {
        /// How many seconds it takes
        #[arg(long, default_value = "10m")]
        time: GoDuration,
    },
    /// Whoami of sessions that an upstream keeps, beside own ones; about two minutes
    Upstream,
    /// What the record of what happened adds to signing in
    Record,
    /// The time to the first byte of every page of the console, with many people and a long record in a database of SQLite
    Console(console::ConsoleOptions),
    /// Decisions of the gateway over HTTP and over gRPC, beside an empty handler
    Gateway,
    /// The lines of the table in README, each measured in turn
    Summary {
        /// Another server on this machine that answers 200 to a GET, for one more line
        #[arg(long)]
        peer: Option<String>,
        /// A header to send to it, such as "X-Session-Token: ..."
        #[arg(long = "header")]
        headers: Vec<String>,
    },
    /// Serve the handler that does nothing
    #[command(hide = true)]
    EmptyHandler {
        /// Where
        port: u16,
        /// On how many threads
        threads: usize,
    },
    /// Tell of sessions as an upstream does
    #[command(hide = true)]
    UpstreamStub {
        /// Where
        port: u16,
        /// The session of the first person
        template: PathBuf,
        /// How many people there are
        people: u64,
        /// How many milliseconds an answer takes
        takes: u64,
    },
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    if let Measure::EmptyHandler { port, threads } = arguments.measure {
        return limits::serve_nothing(port, threads);
    }
    if let Measure::UpstreamStub { port, template, people, takes } = &arguments.measure {
        return upstream::serve_stub(*port, template, *people, Duration::from_millis(*takes));
    }
    cores::pin(cores::CLIENT)?;
    match &arguments.measure {
        Measure::Fast => measures::fast(&arguments),
        Measure::Cores => measures::cores(&arguments),
        Measure::Beside { url, headers } => beside::run(&arguments, url, headers),
        Measure::Latency => measures::latency(&arguments),
        Measure::Uncached => measures::uncached(&arguments),
        Measure::SignIns => measures::sign_ins(&arguments),
        Measure::Away => away::measure(&arguments),
        Measure::Start => measures::start(&arguments),
        Measure::Memory => measures::memory(&arguments),
        Measure::Scale { sessions } => measures::scale(&arguments, sessions),
        Measure::Soak { time } => measures::soak(&arguments, time.get()),
        Measure::Upstream => upstream::measure(&arguments),
        Measure::Record => record::measure(&arguments),
        Measure::Console(asked) => console::measure(&arguments, asked),
        Measure::Gateway => gateway::measure(&arguments),
        Measure::Summary { peer, headers } => summary::measure(&arguments, peer.as_deref(), headers),
        Measure::EmptyHandler { .. } | Measure::UpstreamStub { .. } => Ok(()),
    }
}
