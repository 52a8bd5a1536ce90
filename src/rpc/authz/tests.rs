//! The table of who may call what, written out by hand a second time, and compared cell by cell.

use super::*;
use proptest::prelude::*;
use prost::Message;
use std::collections::BTreeSet;

/// Path; then what viewer, viewer with `viewer_output`, operator and admin reach: `-` nothing, `o` own jobs, `a` all.
const EXPECTED: &str = "
/ironcell.v1.JobService/StartJob                                  - - o a
/ironcell.v1.JobService/BatchStartJobs                            - - o a
/ironcell.v1.JobService/GetJob                                    a a o a
/ironcell.v1.JobService/ListJobs                                  a a o a
/ironcell.v1.JobService/WaitJob                                   a a o a
/ironcell.v1.JobService/WatchJobs                                 a a o a
/ironcell.v1.JobService/StopJob                                   - - o a
/ironcell.v1.JobService/BatchStopJobs                             - - o a
/ironcell.v1.JobService/SignalJob                                 - - o a
/ironcell.v1.JobService/PauseJob                                  - - o a
/ironcell.v1.JobService/ResumeJob                                 - - o a
/ironcell.v1.JobService/UpdateJob                                 - - o a
/ironcell.v1.JobService/DeleteJob                                 - - o a
/ironcell.v1.JobService/PurgeJobs                                 - - o a
/ironcell.v1.JobService/StreamOutput                              - a o a
/ironcell.v1.JobService/WriteStdin                                - - o a
/ironcell.v1.JobService/Attach                                    - - o a
/ironcell.v1.JobService/ResizeTerminal                            - - o a
/ironcell.v1.JobService/GetJobStats                               a a o a
/ironcell.v1.JobService/GetProcessTree                            a a o a
/ironcell.v1.SystemService/GetServerInfo                          a a o a
/ironcell.v1.SystemService/WhoAmI                                 a a o a
/ironcell.v1.SystemService/Reconcile                              - - - a
/ironcell.v1.SystemService/Drain                                  - - - a
/ironcell.v1.SystemService/Shutdown                               - - - a
/grpc.health.v1.Health/Check                                      a a o a
/grpc.health.v1.Health/Watch                                      a a o a
/grpc.reflection.v1.ServerReflection/ServerReflectionInfo         a a o a
/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo    a a o a
/api.JobService/Start                                             - - o a
/api.JobService/Stop                                              - - o a
/api.JobService/QueryStatus                                       a a o a
/api.JobService/GetOutput                                         - a o a
/api.JobService/SubscribeOutput                                   - a o a
";

/// The rows of the table.
fn rows() -> impl Iterator<Item = (&'static str, Vec<&'static str>)> {
    EXPECTED.lines().filter(|line| !line.is_empty()).map(|line| {
        let mut words = line.split_whitespace();
        (words.next().expect("a path"), words.collect())
    })
}

/// The letter of the table for an answer.
fn letter(role: Role, path: &str, viewer_output: bool) -> &'static str {
    match reach_path(role, path, &Policy { viewer_output, ..Policy::default() }) {
        Ok((_, Reach::Own)) => "o",
        Ok((_, Reach::All)) => "a",
        Err(_) => "-",
    }
}

#[test]
fn every_role_reaches_by_every_call_what_the_table_says() {
    for (path, expected) in rows() {
        let viewer = [letter(Role::Viewer, path, false), letter(Role::Viewer, path, true)];
        let others = [letter(Role::Operator, path, false), letter(Role::Admin, path, false)];
        assert_eq!([viewer, others].concat(), expected, "{path}");
        // The policy on output is about viewers alone.
        assert_eq!([letter(Role::Operator, path, true), letter(Role::Admin, path, true)], others, "{path}");
    }
}

#[test]
fn the_table_has_every_call_once() {
    let listed: Vec<&str> = rows().map(|(path, _)| path).collect();
    let known: Vec<&str> = Rpc::ALL.iter().map(|rpc| rpc.path()).collect();
    assert_eq!(listed, known);
    assert_eq!(known.iter().collect::<BTreeSet<_>>().len(), known.len());
}

#[test]
fn every_method_of_the_protocols_is_a_known_call() {
    let protocols = prost_types::FileDescriptorSet::decode(crate::rpc::proto::DESCRIPTORS).expect("descriptors");
    let mut methods = 0;
    for file in protocols.file {
        for service in &file.service {
            for method in &service.method {
                let path = format!("/{}.{}/{}", file.package(), service.name(), method.name());
                assert!(Rpc::of_path(&path).is_some(), "{path} is not in src/rpc/authz.rs: nobody may call it");
                methods += 1;
            }
        }
    }
    assert!(methods >= 29, "{methods} methods are not all of them");
}

#[test]
fn what_only_looks_is_not_audited_and_all_else_is() {
    let looks = [
        "GetJob",
        "ListJobs",
        "WaitJob",
        "WatchJobs",
        "StreamOutput",
        "GetJobStats",
        "GetProcessTree",
        "GetServerInfo",
        "WhoAmI",
        "Check",
        "Watch",
        "ServerReflectionInfo",
        "QueryStatus",
        "GetOutput",
        "SubscribeOutput",
    ];
    for rpc in Rpc::ALL {
        assert_eq!(rpc.mutates(), !looks.contains(&rpc.name()), "{rpc:?}");
    }
}

#[test]
fn a_denial_says_what_would_be_enough() {
    let denied = reach(Role::Viewer, Rpc::StreamOutput, &Policy::default()).expect_err("denied").to_string();
    assert!(denied.contains("operator") && denied.contains("viewer_output"), "{denied}");
    let denied = reach(Role::Operator, Rpc::Drain, &Policy::default()).expect_err("denied").to_string();
    assert!(denied.contains("Drain needs the role admin") && !denied.contains("policy"), "{denied}");
}

proptest! {
    #[test]
    fn a_path_that_is_not_known_letter_by_letter_is_denied_to_everybody(
        at in 0..Rpc::ALL.len(), cut in 0usize..40, more in "[ -~]{0,8}"
    ) {
        let path = Rpc::ALL[at].path();
        let near = [&path[..path.len().saturating_sub(cut)], &more, &path.to_lowercase(), &format!("/{path}")].concat();
        for near in [near.as_str(), &path[1..], &path.to_uppercase(), &format!("{path}/"), &format!("{path}?")] {
            for role in Role::ALL {
                prop_assert_eq!(reach_path(role, near, &Policy::default()), Err(Denied::Unknown));
            }
        }
    }
}
