//! What is written is read as the same job.

use super::*;
use crate::spec::{
    Hostname, IoMax, Isolation, Keep, Limits, LogFile, OnDrop, Overflow, Restart, RestartPolicy, Rlimit, RlimitValue,
    SeccompRules, Store, Window,
};
use prop::{collection, option};
use std::os::unix::ffi::OsStringExt;

/// Any bytes but NUL.
fn bytes(most: usize) -> impl Strategy<Value = OsString> {
    prop_oneof![
        collection::vec(1u8.., 1..most).prop_map(OsString::from_vec),
        "[ -~\\PC\u{7f}\n\t\"\\\\]{1,9}".prop_map(OsString::from),
    ]
}

/// An absolute path in its plain form.
fn path() -> impl Strategy<Value = PathBuf> {
    collection::vec(bytes(6), 1..3).prop_filter_map("a plain path", |parts| {
        let path: PathBuf = [OsString::from("/")].into_iter().chain(parts).collect();
        crate::spec::absolute("x", Path::new("/"), &path).ok().filter(|path| path.parent().is_some())
    })
}

fn memory() -> impl Strategy<Value = MemoryLimit> {
    prop_oneof![
        (1u64..).prop_map(MemoryLimit::Bytes),
        (1u32..=10_000).prop_map(MemoryLimit::HostShare),
        Just(MemoryLimit::Max)
    ]
}

fn io() -> impl Strategy<Value = IoMax> {
    let target = prop_oneof![
        path().prop_map(IoTarget::Path),
        (any::<u32>(), any::<u32>()).prop_map(|(major, minor)| IoTarget::Number { major, minor })
    ];
    let ops = || option::of(prop_oneof![1..u64::from(u32::MAX), Just(u64::MAX)]);
    (target, option::of(1u64..), option::of(1u64..), ops(), ops())
        .prop_map(|(target, rbps, wbps, riops, wiops)| IoMax { target, rbps, wbps, riops, wiops })
        .prop_filter("says something", |io| io.rbps.or(io.wbps).or(io.riops).or(io.wiops).is_some())
}

fn rlimits() -> impl Strategy<Value = Vec<Rlimit>> {
    let value = || prop_oneof![(0..u64::MAX).prop_map(RlimitValue::Is), Just(RlimitValue::Unlimited)];
    let limit =
        move |resource| (value(), value()).prop_map(move |(a, b)| Rlimit { resource, soft: a.min(b), hard: a.max(b) });
    prop::sample::subsequence(Resource::ALL.to_vec(), 0..4)
        .prop_flat_map(move |resources| resources.into_iter().map(limit).collect::<Vec<_>>())
}

fn limits() -> impl Strategy<Value = Limits> {
    let processors = (
        option::of(prop_oneof![
            (CpuMax::LEAST_MILLIS..=CpuMax::MOST_MILLIS).prop_map(CpuMax::Millis),
            Just(CpuMax::Max)
        ]),
        option::of(1u16..=10_000),
        option::of(Just("0-1,3".to_owned())),
    );
    let pids = option::of(prop_oneof![(2u32..4_194_304).prop_map(PidsLimit::Count), Just(PidsLimit::Max)]);
    let files = collection::vec(Just(CgroupFile::new("memory.low", "1M").expect("a file")), 0..2);
    let amounts = (option::of(memory()), option::of(memory()), option::of(memory()), processors, pids);
    (amounts, collection::vec(io(), 0..3), option::of(1u16..=10_000), rlimits(), files).prop_map(
        |(amounts, io_max, io_weight, rlimits, cgroup_files)| {
            let (memory_max, memory_high, memory_swap_max, (cpu_max, cpu_weight, cpuset_cpus), pids_max) = amounts;
            Limits {
                memory_max,
                memory_high,
                memory_swap_max,
                cpu_max,
                cpu_weight,
                cpuset_cpus,
                io_max,
                io_weight,
                pids_max,
                rlimits,
                cgroup_files,
            }
        },
    )
}

fn mount() -> impl Strategy<Value = MountSpec> {
    let access = prop_oneof![Just(Access::ReadOnly), Just(Access::ReadWrite)];
    prop_oneof![
        (path(), path(), access).prop_map(|(source, target, access)| MountSpec::Bind { source, target, access }),
        (path(), option::of(1u64..)).prop_map(|(target, size)| MountSpec::Tmpfs { target, size }),
    ]
}

/// Rules with every kind of member.
const RULES: &str = r#"{"defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": 1, "architectures": ["SCMP_ARCH_X86_64"],
    "archMap": [{"architecture": "a", "subArchitectures": null}], "syscalls": [{"names": ["clone"], "action": "SCMP_ACT_KILL",
    "args": [{"index": 0, "value": 18446744073709551615, "valueTwo": 3, "op": "SCMP_CMP_MASKED_EQ"}], "comment": "",
    "includes": {"caps": ["CAP_X"], "minKernel": "4.8"}, "excludes": {"arches": ["amd64"]}}]}"#;

fn walls() -> impl Strategy<Value = Isolation> {
    let access = prop_oneof![Just(Access::ReadOnly), Just(Access::ReadWrite)];
    let root = prop_oneof![Just(Root::System), (path(), access).prop_map(|(path, access)| Root::Dir { path, access })];
    let rules: SeccompRules = serde_json::from_str(RULES).expect("rules");
    (
        root,
        collection::vec(mount(), 0..4),
        prop_oneof![Just(Net::None), Just(Net::Host)],
        "[a-z0-9.-]{1,64}".prop_map(|name| Hostname::new(&name).expect("a host name")),
        (0..=User::MOST, 0..=User::MOST).prop_map(|(uid, gid)| User::new(uid, gid).expect("a user")),
        prop::sample::select(Profile::ALL.to_vec()),
        option::of(Just(rules)),
    )
        .prop_map(|(root, mounts, net, hostname, user, profile, seccomp)| Isolation {
            root,
            mounts,
            net,
            hostname,
            user,
            profile,
            seccomp,
        })
}

fn env() -> impl Strategy<Value = Env> {
    let name = bytes(6).prop_filter_map("a name", |name| crate::spec::EnvName::new(&name).ok());
    let begun = prop_oneof![Just(Env::default()), Just(Env::empty())];
    let path = crate::spec::EnvName::new(OsStr::new("HOME")).expect("a name");
    (begun, collection::vec((prop_oneof![name, Just(path)], bytes(9)), 0..4)).prop_map(|(mut env, vars)| {
        vars.into_iter().for_each(|(name, value)| env.set(name, &value).expect("set"));
        env
    })
}

fn restarts() -> impl Strategy<Value = RestartPolicy> {
    let time = || (100u64..86_400_000).prop_map(Duration::from_millis);
    (prop::sample::select(Restart::ALL.to_vec()), 1u32..=1_000_000, time(), time())
        .prop_map(|(when, count, delay, min_uptime)| RestartPolicy { when, count, delay, min_uptime })
}

/// Any job, for every test that writes one and reads it again.
pub(crate) fn job() -> impl Strategy<Value = JobSpec> {
    let time = || option::of((0u64..3_000_000_000, 1u32..1_000_000_000).prop_map(|(s, ns)| Duration::new(s, ns)));
    let surroundings = (
        option::of(path()),
        option::of("[a-z0-9_.:/@-]{1,30}"),
        collection::btree_map("[a-z.]{1,5}", "[ -~é]{0,20}", 0..3),
        (64u64 << 10)..=(1 << 30),
        (
            prop::sample::select(Overflow::ALL.to_vec()),
            option::of(any::<u64>()),
            option::of((any::<u16>(), any::<u16>()).prop_map(|(rows, columns)| Window { rows, columns })),
            prop::sample::select(OnDrop::ALL.to_vec()),
            option::of(((1u64 << 20)..(1 << 40), any::<bool>())),
            option::of((any::<bool>(), path())),
            (restarts(), option::of(0u8..20)),
            option::of("(/[a-zé.:-]{1,5}x){1,3}"),
        ),
    );
    let times = (time(), time(), time(), time());
    (collection::vec(bytes(9), 1..4), env(), limits(), walls(), times, surroundings).prop_filter_map(
        "a job",
        |(
            argv,
            env,
            limits,
            walls,
            (time, cpu_time, idle, grace),
            (cwd, name, labels, log_max, (overflow, most, window, on_drop, spool, file, (restart, nice), parent)),
        )| {
            let mut job = JobSpec::command(argv[0].clone()).args(argv[1..].iter().cloned());
            job = job.env(env).limits(limits).isolation(walls).log_max(log_max).overflow(overflow);
            job = most.into_iter().fold(job.on_drop(on_drop), |job, most| job.output_limit(most));
            let keep = |always| if always { Keep::Always } else { Keep::WithJob };
            job = spool.into_iter().fold(job, |job, (max, always)| job.store(Store::Spool { max, keep: keep(always) }));
            let log_file = |(at, path): (bool, _)| if at { LogFile::At(path) } else { LogFile::In(path) };
            job = file.map(log_file).into_iter().fold(job, |job, file| job.log_file(file));
            job = parent.into_iter().fold(job, |job, parent| job.cgroup_parent(parent));
            job = nice.into_iter().fold(job, |job, nice| job.nice(nice));
            // A terminal has one run.
            job = if window.is_none() { job.restart(restart) } else { job };
            job = window.into_iter().fold(job, |job, window| job.terminal(window));
            job = time.into_iter().fold(job, |job, time| job.time(time));
            job = cpu_time.into_iter().fold(job, |job, time| job.cpu_time(time));
            job = idle.into_iter().fold(job, |job, time| job.idle(time));
            job = grace.into_iter().fold(job, |job, time| job.grace(time));
            job = cwd.into_iter().fold(job, |job, cwd| job.cwd(cwd));
            job = name.into_iter().fold(job, |job, name| job.name(name));
            labels.into_iter().fold(job, |job, (key, value)| job.label(key, value)).build().ok()
        },
    )
}

proptest! {
    #[test]
    fn what_is_written_is_read_as_the_same_job(job in job()) {
        prop_assert_eq!(JobSpec::from_toml(&job.to_toml()).map_err(|e| e.to_string()), Ok(job.clone()), "{}", job.to_toml());
        prop_assert_eq!(JobSpec::from_json(&job.to_json()).map_err(|e| e.to_string()), Ok(job.clone()), "{}", job.to_json());
    }
}

#[test]
fn a_job_by_default_is_written_as_its_command_alone() {
    let job = JobSpec::command("true").build().expect("a job");
    assert_eq!(job.to_toml(), "argv = [\"true\"]\n");
    assert_eq!(job.to_json(), "{\n  \"argv\": [\"true\"]\n}\n");
}
