//! Frames against bytes of every kind: whole, cut, too long, and noise.

use super::*;

/// A small generator of pseudo-random numbers (xorshift): the same sequence each time, so a failure repeats.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn bytes(&mut self) -> Vec<u8> {
        let length = self.next() as usize % 300;
        (0..length).map(|_| self.next() as u8).collect()
    }
}

fn any(numbers: &mut Numbers) -> Frame {
    let number = numbers.next() as i32;
    match numbers.next() % 17 {
        0 => Frame::Hello(format!("kernel {number}")),
        1 => Frame::Alive,
        2 => Frame::Run(numbers.bytes()),
        3 => Frame::Stdin(numbers.bytes()),
        4 => Frame::StdinEnd,
        5 => Frame::StdinTaken(number as u32),
        6 => Frame::StdinShut,
        7 => Frame::Stdout(numbers.bytes()),
        8 => Frame::Stderr(numbers.bytes()),
        9 => Frame::OutputShut,
        10 => Frame::Signal(number),
        11 => Frame::Window(Window { rows: number as u16, columns: (number >> 16) as u16 }),
        12 => Frame::Exited(number),
        13 => Frame::Signalled(number),
        14 => Frame::Refused(format!("no such file: {number}")),
        15 => Frame::Look,
        _ => Frame::Looked(format!("{number} sleeps")),
    }
}

#[test]
fn what_is_written_is_read_back() {
    let mut numbers = Numbers(7);
    let frames: Vec<Frame> = (0..2000).map(|_| any(&mut numbers)).collect();
    let mut bytes = Vec::new();
    for frame in &frames {
        frame.write_to(&mut bytes).expect("a frame goes into a vector");
    }
    let mut rest = bytes.as_slice();
    for frame in &frames {
        assert_eq!(Frame::read_from(&mut rest).expect("whole frames").as_ref(), Some(frame));
    }
    assert_eq!(Frame::read_from(&mut rest).expect("the end is no error"), None);
}

#[test]
fn a_frame_cut_short_is_an_error_at_every_length() {
    let mut bytes = Vec::new();
    Frame::Stdout(b"some output".to_vec()).write_to(&mut bytes).expect("a frame goes into a vector");
    for length in 1..bytes.len() {
        let error = Frame::read_from(&mut &bytes[..length]).expect_err("a part is no frame");
        assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof, "at {length}");
    }
}

#[test]
fn a_length_above_the_bound_is_refused_before_it_is_read() {
    for kind in 0..=255u8 {
        let header = [kind, 0xff, 0xff, 0xff, 0xff];
        let error = Frame::read_from(&mut header.as_slice()).expect_err("4 GiB is no frame");
        assert_eq!(error.kind(), io::ErrorKind::InvalidData, "kind {kind}");
    }
    let too_long = Frame::Stdin(vec![0; CHUNK + 1]);
    assert!(too_long.write_to(&mut Vec::new()).is_err(), "nor is it ever sent");
}

#[test]
fn noise_never_panics_and_never_makes_a_frame_of_unknown_kind() {
    let mut numbers = Numbers(99);
    for _ in 0..20_000 {
        let noise = numbers.bytes();
        let mut rest = noise.as_slice();
        while let Ok(Some(frame)) = Frame::read_from(&mut rest) {
            let mut again = Vec::new();
            frame.write_to(&mut again).expect("what was read can be written");
        }
    }
}
