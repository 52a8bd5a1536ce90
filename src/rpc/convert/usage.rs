//! What a job used, on the wire and back: nothing that is not known becomes 0 by it.

use super::{duration, told};
use crate::life::{IoUsage, Pressure, Usage};
use crate::rpc::proto;

/// For the wire.
pub fn usage(usage: &Usage) -> proto::Usage {
    let Usage {
        wall,
        cpu_user,
        cpu_system,
        cpu_throttled,
        cpu_throttled_periods,
        memory_peak,
        max_rss,
        switches_voluntary,
        switches_forced,
        swap_peak,
        pids_peak,
        io,
        cpu_pressure,
        memory_pressure,
        io_pressure,
    } = usage.clone();
    let pressure = |pressure: Option<Pressure>| {
        pressure
            .map(|Pressure { some, full }| proto::Pressure { some: Some(duration(some)), full: Some(duration(full)) })
    };
    proto::Usage {
        wall: Some(duration(wall)),
        cpu_user: cpu_user.map(duration),
        cpu_system: cpu_system.map(duration),
        cpu_throttled: cpu_throttled.map(duration),
        cpu_throttled_periods,
        memory_peak,
        max_rss,
        switches_voluntary,
        switches_forced,
        swap_peak,
        pids_peak,
        io: io.map(|io| proto::IoUsage {
            read_bytes: io.read_bytes,
            write_bytes: io.write_bytes,
            read_ops: io.read_ops,
            write_ops: io.write_ops,
        }),
        cpu_pressure: pressure(cpu_pressure),
        memory_pressure: pressure(memory_pressure),
        io_pressure: pressure(io_pressure),
    }
}

/// From the wire.
pub fn usage_of(usage: &proto::Usage) -> Usage {
    let time = |time: &Option<prost_types::Duration>| time.as_ref().map(told);
    let pressure = |pressure: &Option<proto::Pressure>| {
        pressure.as_ref().map(|pressure| Pressure {
            some: time(&pressure.some).unwrap_or_default(),
            full: time(&pressure.full).unwrap_or_default(),
        })
    };
    Usage {
        wall: time(&usage.wall).unwrap_or_default(),
        cpu_user: time(&usage.cpu_user),
        cpu_system: time(&usage.cpu_system),
        cpu_throttled: time(&usage.cpu_throttled),
        cpu_throttled_periods: usage.cpu_throttled_periods,
        memory_peak: usage.memory_peak,
        max_rss: usage.max_rss,
        switches_voluntary: usage.switches_voluntary,
        switches_forced: usage.switches_forced,
        swap_peak: usage.swap_peak,
        pids_peak: usage.pids_peak,
        io: usage.io.as_ref().map(|io| IoUsage {
            read_bytes: io.read_bytes,
            write_bytes: io.write_bytes,
            read_ops: io.read_ops,
            write_ops: io.write_ops,
        }),
        cpu_pressure: pressure(&usage.cpu_pressure),
        memory_pressure: pressure(&usage.memory_pressure),
        io_pressure: pressure(&usage.io_pressure),
    }
}
