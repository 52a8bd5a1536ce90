//! Two machines at a time: each takes the next file of the lane that it is in, and the next lane that has work left.
//!
//! An emulated machine is one thread of the host (`qemu.rs` says why), so two keep two processors busy and do not hinder each
//! other.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;

use integration::Lane;

use crate::disks::Program;
use crate::image::Image;
use crate::lane::{self, Lab};
use crate::qemu::Company;
use crate::suite::{Choice, Lap};

/// Machines at once: as many as the smallest machine that this runs on has processors. Each has 1 GiB of memory.
const MACHINES: usize = 2;

/// What is to be done in one lane, and what has come of it.
pub struct Work<'a> {
    lane: Lane,
    files: Mutex<VecDeque<&'a str>>,
    lap: Mutex<Lap>,
    /// Whether other machines run and talk at the same time.
    pub company: Company,
}

impl<'a> Work<'a> {
    /// The next file that nobody has begun.
    pub fn next(&self) -> Option<&'a str> {
        self.files.lock().unwrap_or_else(PoisonError::into_inner).pop_front()
    }

    /// What has come of it so far.
    pub fn lap(&self) -> MutexGuard<'_, Lap> {
        self.lap.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_done(&self) -> bool {
        self.files.lock().unwrap_or_else(PoisonError::into_inner).is_empty()
    }
}

/// What the machines are made of.
pub struct Kit<'a> {
    pub image: &'a Image,
    pub programs: &'a [Program],
    pub agent: &'a Path,
}

/// Everything that is to be done in these lanes; a lane's own fault ends that lane for the machine that met it.
pub fn run(kit: &Kit, lanes: &[Lane], choice: &Choice) -> Vec<Lap> {
    let files: Vec<VecDeque<&str>> = lanes.iter().map(|lane| lane::files(*lane, kit.programs, choice).into()).collect();
    let machines = MACHINES.min(files.iter().map(VecDeque::len).sum());
    let work: Vec<Work> = lanes
        .iter()
        .zip(files)
        .map(|(lane, files)| Work {
            lane: *lane,
            files: Mutex::new(files),
            lap: Mutex::new(Lap::new(lane.name())),
            company: if machines < 2 { Company::Alone } else { Company::Others },
        })
        .collect();
    thread::scope(|scope| {
        for number in 0..machines {
            let work = &work;
            // QEMU has the death of the thread that made it as its signal: a machine never outlives its turn here.
            scope.spawn(move || turn(kit, work, number, choice));
        }
    });
    work.into_iter().map(|work| work.lap.into_inner().unwrap_or_else(PoisonError::into_inner)).collect()
}

/// One machine's way through the lanes: each begins with another, and helps where work is left.
fn turn(kit: &Kit, work: &[Work], number: usize, choice: &Choice) {
    let order = work.iter().cycle().skip(number).take(work.len());
    for work in order.filter(|work| !work.is_done()) {
        work.lap().begin();
        let lab =
            Lab { image: kit.image, lane: work.lane, company: work.company, programs: kit.programs, agent: kit.agent };
        let end = lane::run(work, &lab, choice);
        let mut lap = work.lap();
        if let Err(error) = end {
            lap.fault(&error);
        }
        lap.pause();
    }
}
