//! Third life: takes orders from the host, one command at a time, until the host hangs up.

use std::fs::File;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use integration::frame::Frame;
use integration::order::Order;

use crate::command::Running;
use crate::port::{self, Voice};

/// How often the host hears of a silent guest; it gives one up after many of these.
const HEARTBEAT: Duration = Duration::from_secs(5);

/// A port reads as ended until the host's side is connected, which may come a moment after the guest opened it.
const CONNECT_LIMIT: Duration = Duration::from_secs(10);
const CONNECT_POLL: Duration = Duration::from_millis(5);

pub fn run() -> Result<()> {
    // The guest's last processes to die when it runs out of memory; commands take this back for themselves.
    std::fs::write("/proc/self/oom_score_adj", "-1000").context("cannot set oom_score_adj")?;
    let mut port = port::open()?;
    let voice = Voice::new(port.try_clone().context("cannot duplicate the port")?);
    let release = rustix::system::uname().release().to_string_lossy().into_owned();
    voice.say(&Frame::Hello(release)).context("cannot greet the host")?;
    let pulse = voice.clone();
    thread::spawn(move || {
        while pulse.say(&Frame::Alive).is_ok() {
            thread::sleep(HEARTBEAT);
        }
    });
    let end = serve(&mut port, &voice);
    // Nobody listens any more, so nothing in this machine matters any more.
    crate::bare::power_off()?;
    end
}

fn serve(port: &mut File, voice: &Voice) -> Result<()> {
    let mut running: Option<Running> = None;
    let mut next = first(port)?;
    while let Some(frame) = next {
        match (frame, &mut running) {
            (Frame::Run(order), current) => *current = start(&order, voice)?,
            (Frame::Look, _) => {
                voice.say(&Frame::Looked(crate::look::everywhere())).context("cannot answer the host")?
            }
            (Frame::Stdin(bytes), Some(command)) => command.feed(bytes),
            (Frame::StdinEnd, Some(command)) => command.end_input(),
            (Frame::OutputShut, Some(command)) => command.shut_output(),
            (Frame::Signal(number), Some(command)) => command.signal(number),
            (Frame::Window(window), Some(command)) => command.resize(window),
            // Frames for a command that has just ended, and frames that only the guest sends: nothing to do.
            _ => {}
        }
        next = Frame::read_from(port).context("cannot read an order")?;
    }
    Ok(())
}

/// A command that cannot start is the host's to report; a port that cannot be written to is the end.
fn start(order: &[u8], voice: &Voice) -> Result<Option<Running>> {
    let refusal = match Order::decode(order) {
        Ok(order) => match Running::start(&order, voice) {
            Ok(running) => return Ok(Some(running)),
            Err(error) => format!("{error:#}"),
        },
        Err(malformed) => malformed.to_string(),
    };
    voice.say(&Frame::Refused(refusal)).context("cannot answer the host")?;
    Ok(None)
}

fn first(port: &mut File) -> Result<Option<Frame>> {
    let start = Instant::now();
    loop {
        match Frame::read_from(port).context("cannot read the first order")? {
            None if start.elapsed() < CONNECT_LIMIT => thread::sleep(CONNECT_POLL),
            frame => return Ok(frame),
        }
    }
}
