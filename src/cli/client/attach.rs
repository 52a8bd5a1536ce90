//! `ironcell attach`: the caller's keys to a job, and what it writes to him. His terminal is as it was before when this ends,
//! however it ends.

use super::follow::{Prefix, Printer};
use super::keys::{DEFAULT, Keys};
use super::to::To;
use super::{Done, Failure, wait};
use crate::cli::exit::SIGNALLED;
use crate::cli::run::signals::Signals;
use crate::cli::voice::Voice;
use crate::rpc::client::{Client, answer, next, sending};
use crate::rpc::convert::outcome_of;
use crate::rpc::proto::attach_request::Frame as Ask;
use crate::rpc::proto::attach_start::Mode;
use crate::rpc::proto::output_frame::Frame;
use crate::rpc::proto::{AttachRequest, AttachStart, Detached, GetJobRequest, OutputChunk, OutputFrame, detached};
use crate::supervise::{RawTerminal, window_of};
use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::thread;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc::{Sender, channel};

/// Keys that were read and not yet sent: two pieces, as with `run --terminal`.
const PIECES_MOST: usize = 2;
/// Bytes of one piece: what a terminal gives at once (N_TTY_BUF_SIZE).
const PIECE_MOST: usize = 4096;

/// The arguments of `ironcell attach`.
#[derive(Debug, clap::Args)]
pub struct AttachArgs {
    /// Take the input over from who has it
    #[arg(long, conflicts_with = "read_only")]
    pub steal: bool,
    /// See the output alone
    #[arg(long)]
    pub read_only: bool,
    /// Begin with what is written from now on, and not with all that is kept
    #[arg(long)]
    pub no_backlog: bool,
    /// The keys that end this and leave the job as it is
    #[arg(long, value_name = "KEYS", default_value = DEFAULT)]
    pub detach_keys: String,
    /// Which daemon.
    #[command(flatten)]
    pub to: To,
    /// The job: its id, the beginning of it, or its name
    #[arg(value_name = "ID")]
    pub id: String,
}

impl AttachArgs {
    /// Where the output is to begin: at its first byte, unless nothing of before is wanted.
    async fn begin(&self, client: &mut Client) -> Result<Option<u64>, Failure> {
        let ask = GetJobRequest { id: self.id.clone() };
        if self.no_backlog { Ok(Some(answer(client.jobs.get_job(ask).await)?.output_end)) } else { Ok(None) }
    }
}

/// Attaches, until the job has ended or the caller has enough.
pub async fn attach(args: &AttachArgs, err: &mut Voice<'_>) -> Done {
    let keys = Keys::read(&args.detach_keys)?;
    let mut client = args.to.connect().await?;
    let mode = match (args.steal, args.read_only) {
        (true, _) => Mode::Steal,
        (_, true) => Mode::ReadOnly,
        _ => Mode::Exclusive,
    };
    let window = window_of(io::stdin().as_fd()).to_string();
    let offset = args.begin(&mut client).await?;
    let start = AttachStart { id: args.id.clone(), mode: mode as i32, offset, window };
    let (asks, sent) = channel(PIECES_MOST);
    // There is room: nothing was sent yet.
    let _ = asks.send(ask(Ask::Start(start))).await;
    let mut frames = answer(client.jobs.attach(sending(sent)).await)?;
    let mut screen = Screen { terminal: None, printer: Printer::new(Prefix::None), keys: Some(keys), asks, mode };
    // Caught, so that the terminal is given back before this ends by them.
    let mut signals = Signals::open()?;
    loop {
        let frame = tokio::select! {
            frame = next(&mut frames) => frame?,
            signal = signals.next() => return Ok(SIGNALLED.saturating_add(signal)),
        };
        let gone = || Failure::Said("the daemon is gone; the job may go on".to_owned());
        if let Some(code) = screen.show(frame.ok_or_else(gone)?, err)? {
            return Ok(code);
        }
    }
}

/// Where the frames go. The caller's terminal is as it was before when this is dropped.
struct Screen {
    terminal: Option<RawTerminal>,
    printer: Printer,
    /// Until the typing has begun.
    keys: Option<Keys>,
    asks: Sender<AttachRequest>,
    mode: Mode,
}

impl Screen {
    /// Shows a frame; the exit code after the last.
    fn show(&mut self, frame: OutputFrame, err: &mut Voice) -> Result<Option<u8>, Failure> {
        match frame.frame {
            Some(Frame::Attached(attached)) => self.begin(attached.terminal, err)?,
            Some(Frame::Chunk(chunk)) if self.terminal.is_some() => raw(&chunk)?,
            Some(Frame::Chunk(chunk)) => self.printer.chunk(&chunk)?,
            Some(Frame::Gap(gap)) => err.say(&format!("the bytes {} to {} are not kept any more", gap.from, gap.to)),
            Some(Frame::Detached(detached)) => {
                self.terminal = None;
                return told(&detached, err).map(Some);
            }
            Some(Frame::Ended(ended)) => {
                self.terminal = None;
                self.printer.end()?;
                let outcome = ended.job.and_then(|job| job.outcome).unwrap_or_default();
                return Ok(Some(wait::told(outcome_of(&outcome), err)));
            }
            Some(Frame::Heartbeat(_)) | None => {}
        }
        Ok(None)
    }

    fn begin(&mut self, terminal: bool, err: &mut Voice) -> Result<(), Failure> {
        if self.mode == Mode::ReadOnly {
            return Ok(());
        }
        // Its bytes are a terminal's own from here on; the caller's knows what to do with them.
        if terminal {
            let raw = RawTerminal::enter(io::stdin().as_fd());
            self.terminal = raw.map_err(|error| Failure::Said(error.to_string()))?;
            err.expect_raw_terminal();
        }
        let keys = self.keys.take();
        Ok(keys.map_or(Ok(()), |keys| begin(&self.asks, keys, terminal))?)
    }
}

fn ask(frame: Ask) -> AttachRequest {
    AttachRequest { frame: Some(frame) }
}

fn raw(chunk: &OutputChunk) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(&chunk.data)?;
    out.flush()
}

/// It has ended before the job.
fn told(detached: &Detached, err: &mut Voice) -> Done {
    if detached.reason == detached::Reason::Stolen as i32 {
        return Err(Failure::Said(format!("{} has taken the input over", detached.by)));
    }
    err.say("detached: the job goes on");
    Ok(0)
}

/// Begins to send what is typed, and the size of the terminal as it changes.
fn begin(asks: &Sender<AttachRequest>, mut keys: Keys, terminal: bool) -> io::Result<()> {
    if terminal {
        let asks = asks.clone();
        let mut changes = signal(SignalKind::window_change())?;
        tokio::spawn(async move {
            while changes.recv().await.is_some() {
                let size = window_of(io::stdin().as_fd()).to_string();
                if asks.send(ask(Ask::Resize(size))).await.is_err() {
                    return;
                }
            }
        });
    }
    let asks = asks.clone();
    // Its read cannot be ended: it ends with the program.
    let read = move || {
        let mut stdin = io::stdin();
        let mut piece = [0; PIECE_MOST];
        while let Ok(count @ 1..) = stdin.read(&mut piece) {
            let (typed, leave) = keys.typed(&piece[..count]);
            let sent = typed.is_empty() || asks.blocking_send(ask(Ask::Stdin(typed))).is_ok();
            if leave {
                // Nobody is there any more to be told otherwise.
                let _ = asks.blocking_send(ask(Ask::Detach(true)));
            }
            if leave || !sent {
                return;
            }
        }
        // As above.
        let _ = asks.blocking_send(ask(Ask::CloseStdin(true)));
    };
    thread::Builder::new().name("keys".to_owned()).spawn(read).map(|_| ())
}
