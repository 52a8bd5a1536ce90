//! PURE: from a policy to the program that the kernel runs for each call: classic BPF, seccomp(2).
//!
//! The numbers are found by halving, so that any call costs some ten instructions; those that need no look at an argument
//! the kernel answers from a table that it makes once (kernel 5.11). A library's chain of comparisons would cost hundreds.

use super::policy::{Answer, Holds, Policy, Rule, Test};
use init_shim::wire::Instruction;

/// The bit by which x86-64 marks the calls of its x32 variant, which would have other numbers.
#[cfg(target_arch = "x86_64")]
pub const X32_BIT: u32 = 0x4000_0000;

/// AUDIT_ARCH_X86_64 of linux/audit.h.
#[cfg(target_arch = "x86_64")]
pub const ARCH: u32 = 0xc000_003e;
/// AUDIT_ARCH_AARCH64 of linux/audit.h.
#[cfg(target_arch = "aarch64")]
pub const ARCH: u32 = 0xc000_00b7;

/// The longest program that the kernel takes: BPF_MAXINSNS.
pub const MOST_INSTRUCTIONS: usize = 4096;

/// No call: a tracer has taken the process's call back, and answers it itself (ptrace(2)). The kernel then does nothing.
pub const SKIPPED: u32 = u32::MAX;

// Offsets in `struct seccomp_data` (seccomp(2)), little endian.
const NR: u32 = 0;
const ARCH_AT: u32 = 4;

// Instructions: the class, size and kind of linux/bpf_common.h.
const LOAD: u16 = 0x20;
const AND: u16 = 0x54;
const JUMP: u16 = 0x05;
const JUMP_EQUAL: u16 = 0x15;
const JUMP_GREATER: u16 = 0x25;
const JUMP_AT_LEAST: u16 = 0x35;
const JUMP_ANY: u16 = 0x45;
const RETURN: u16 = 0x06;

/// Marks a jump to the end of the way that is being written: no way is as long as this.
const FAIL: u8 = u8::MAX;

/// The program of a policy.
pub fn of(policy: &Policy) -> Vec<Instruction> {
    let mut program = vec![load(ARCH_AT), jump(JUMP_EQUAL, ARCH, 1, 0), ret(Answer::KillProcess), load(NR)];
    program.extend([jump(JUMP_EQUAL, SKIPPED, 0, 1), ret(Answer::Allow)]);
    #[cfg(target_arch = "x86_64")]
    program.extend([jump(JUMP_AT_LEAST, X32_BIT, 0, 1), ret(Answer::KillProcess)]);
    program.extend(search(&ranges(policy)));
    program
}

/// Numbers from here to the next range, and what becomes of them.
struct Range<'a> {
    from: u32,
    what: What<'a>,
}

/// What becomes of a range.
#[derive(PartialEq)]
enum What<'a> {
    /// The same, whatever the arguments.
    Same(Answer),
    /// It depends.
    Rule(&'a Rule),
}

/// All numbers from 0 up, without a gap; neighbours with the same answer are one range.
fn ranges<'a>(policy: &'a Policy) -> Vec<Range<'a>> {
    let mut all: Vec<Range<'a>> = Vec::new();
    let mut next = 0;
    // Numbers that no rule names, from `next` up to the one before `to`.
    let gap = |all: &mut Vec<Range<'a>>, next: u32, to: u32| {
        let settled = policy.newest + 1;
        if next < to.min(settled) {
            add(all, next, What::Same(policy.otherwise));
        }
        if next.max(settled) < to {
            add(all, next.max(settled), What::Same(policy.beyond));
        }
    };
    for (number, rule) in &policy.rules {
        gap(&mut all, next, *number);
        let what = if rule.ways.is_empty() { What::Same(rule.otherwise) } else { What::Rule(rule) };
        add(&mut all, *number, what);
        next = number + 1;
    }
    gap(&mut all, next, u32::MAX);
    all
}

/// Adds a range, unless the one before goes on.
fn add<'a>(all: &mut Vec<Range<'a>>, from: u32, what: What<'a>) {
    let goes_on =
        matches!((&what, all.last()), (What::Same(now), Some(Range { what: What::Same(before), .. })) if now == before);
    if !goes_on {
        all.push(Range { from, what });
    }
}

/// Finds the range of the number in the accumulator by halving.
fn search(ranges: &[Range<'_>]) -> Vec<Instruction> {
    if let [only] = ranges {
        return match &only.what {
            What::Same(answer) => vec![ret(*answer)],
            What::Rule(rule) => block(rule),
        };
    }
    let (low, high) = ranges.split_at(ranges.len() / 2);
    let from = high[0].from;
    let (mut low, mut high) = (search(low), search(high));
    let mut all = match u8::try_from(low.len()) {
        Ok(length) => vec![jump(JUMP_AT_LEAST, from, length, 0)],
        // A conditional jump has eight bits, the other one 32.
        Err(_) => vec![jump(JUMP_AT_LEAST, from, 0, 1), Instruction { k: low.len() as u32, ..jump(JUMP, 0, 0, 0) }],
    };
    all.append(&mut low);
    all.append(&mut high);
    all
}

/// The ways of a rule, one after the other, and what is left.
fn block(rule: &Rule) -> Vec<Instruction> {
    let mut all = Vec::new();
    for (tests, answer) in &rule.ways {
        let mut way: Vec<Instruction> = tests.iter().flat_map(|test| look(*test)).collect();
        way.push(ret(*answer));
        let end = way.len();
        for (at, instruction) in way.iter_mut().enumerate().filter(|(_, instruction)| instruction.code != RETURN) {
            // A way is six looks of at most five instructions: its end is near enough for eight bits.
            let to_end = (end - at - 1) as u8;
            if instruction.jt == FAIL {
                instruction.jt = to_end;
            }
            if instruction.jf == FAIL {
                instruction.jf = to_end;
            }
        }
        all.append(&mut way);
    }
    all.push(ret(rule.otherwise));
    all
}

/// One look at an argument: goes on behind its last instruction when it holds. Unequal halves decide a comparison of 64
/// bits at once, equal ones leave it to the lower half.
fn look(test: Test) -> Vec<Instruction> {
    let low = 16 + 8 * u32::from(test.arg);
    let high = low + 4;
    let split = |value: u64| ((value >> 32) as u32, value as u32);
    match test.holds {
        Holds::Masked { mask, value } => {
            let ((mask_high, mask_low), (value_high, value_low)) = (split(mask), split(value));
            [masked(high, mask_high, value_high), masked(low, mask_low, value_low)].concat()
        }
        Holds::Any(bits) => vec![load(low), jump(JUMP_ANY, bits, 0, FAIL)],
        Holds::NotEqual(value) => {
            let (value_high, value_low) = split(value);
            vec![load(high), jump(JUMP_EQUAL, value_high, 0, 2), load(low), jump(JUMP_EQUAL, value_low, FAIL, 0)]
        }
        Holds::Greater(value) => past(high, low, value, JUMP_GREATER),
        Holds::GreaterOrEqual(value) => past(high, low, value, JUMP_AT_LEAST),
        Holds::Less(value) => before(high, low, value, JUMP_AT_LEAST),
        Holds::LessOrEqual(value) => before(high, low, value, JUMP_GREATER),
    }
}

/// `word & mask == value`; nothing where no bit is looked at and none is wanted.
fn masked(word: u32, mask: u32, value: u32) -> Vec<Instruction> {
    let equal = jump(JUMP_EQUAL, value, 0, FAIL);
    match mask {
        0 if value == 0 => Vec::new(),
        u32::MAX => vec![load(word), equal],
        _ => vec![load(word), Instruction { k: mask, ..jump(AND, 0, 0, 0) }, equal],
    }
}

/// The argument is past the value, by the comparison of the lower halves.
fn past(high: u32, low: u32, value: u64, lower: u16) -> Vec<Instruction> {
    let (value_high, value_low) = ((value >> 32) as u32, value as u32);
    vec![
        load(high),
        jump(JUMP_GREATER, value_high, 3, 0),
        jump(JUMP_EQUAL, value_high, 0, FAIL),
        load(low),
        jump(lower, value_low, 0, FAIL),
    ]
}

/// The argument is not past the value, by the comparison of the lower halves that would say so.
fn before(high: u32, low: u32, value: u64, lower: u16) -> Vec<Instruction> {
    let (value_high, value_low) = ((value >> 32) as u32, value as u32);
    vec![
        load(high),
        jump(JUMP_GREATER, value_high, FAIL, 0),
        jump(JUMP_EQUAL, value_high, 0, 2),
        load(low),
        jump(lower, value_low, FAIL, 0),
    ]
}

/// The accumulator becomes a word of the call.
fn load(offset: u32) -> Instruction {
    Instruction { code: LOAD, jt: 0, jf: 0, k: offset }
}

/// A jump by the accumulator, counted from the next instruction.
fn jump(code: u16, k: u32, jt: u8, jf: u8) -> Instruction {
    Instruction { code, jt, jf, k }
}

/// The end.
fn ret(answer: Answer) -> Instruction {
    Instruction { code: RETURN, jt: 0, jf: 0, k: answer.code() }
}
