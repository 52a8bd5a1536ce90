"""An independent client of the daemon: grpcio from PyPI, and code that it generated from our protocol.

    daemon_client.py PROTO_DIR OUT_DIR ADDRESS CA CERT KEY

Starts, follows, stops and attaches, and says `ok` when all of it was as the protocol says.
"""

import sys
from pathlib import Path

import grpc
import grpc_tools
from grpc_tools import protoc

proto_dir, out_dir, address, ca, cert, key = sys.argv[1:]
google = Path(grpc_tools.__file__).parent / "_proto"
made = protoc.main(["protoc", f"-I{proto_dir}", f"-I{google}", f"--python_out={out_dir}", f"--grpc_python_out={out_dir}",
                    f"{proto_dir}/ironcell.proto", f"{proto_dir}/compat.proto"])
assert made == 0, "the protocol does not compile"
sys.path.insert(0, out_dir)
import compat_pb2
import compat_pb2_grpc
import ironcell_pb2 as pb
import ironcell_pb2_grpc


def read(path):
    with open(path, "rb") as file:
        return file.read()


credentials = grpc.ssl_channel_credentials(read(ca), read(key), read(cert))
channel = grpc.secure_channel(address, credentials, [("grpc.ssl_target_name_override", "localhost")])
jobs = ironcell_pb2_grpc.JobServiceStub(channel)
system = ironcell_pb2_grpc.SystemServiceStub(channel)


def spec(script, **more):
    return pb.JobSpec(argv=[b"/bin/sh", b"-c", script.encode()], **more)


def followed(job, **where):
    """All bytes, told once and in order; and the end."""
    at, data, ended = None, b"", None
    for frame in jobs.StreamOutput(pb.StreamOutputRequest(id=job, follow=True, **where)):
        assert ended is None, "a frame behind the end"
        kind = frame.WhichOneof("frame")
        if kind == "chunk":
            assert at is None or frame.chunk.offset == at, "a hole, or a duplicate"
            at = frame.chunk.offset + len(frame.chunk.data)
            data += frame.chunk.data
        elif kind == "ended":
            ended = frame.ended
    return data, ended


who = system.WhoAmI(pb.WhoAmIRequest())
assert (who.owner, who.role) == ("alice", "operator"), who

# Start and follow; a repeated start is the same job.
request = pb.StartJobRequest(spec=spec("for i in 1 2 3; do echo $i; sleep 0.1; done; exit 7"), request_id="r-1")
started = jobs.StartJob(request).job
assert len(started.id) == 12 and jobs.StartJob(request).job.id == started.id
data, ended = followed(started.id)
assert data == b"1\n2\n3\n" and ended.job.outcome.code == 7, (data, ended)
rest, _ = followed(started.id, offset=2)
assert rest == b"2\n3\n", rest

# Stop.
job = jobs.StartJob(pb.StartJobRequest(spec=spec("echo ready; sleep 1000"))).job
stopped = jobs.StopJob(pb.StopJobRequest(id=job.id))
assert stopped.was_running and stopped.job.outcome.WhichOneof("exit") == "signal", stopped
assert not jobs.StopJob(pb.StopJobRequest(id=job.id)).was_running

# Attach: what is written comes back, and the end is told.
reading = spec("while read line; do echo got $line; done; exit 3")
reading.stdin.pipe = True
job = jobs.StartJob(pb.StartJobRequest(spec=reading)).job
asks = [pb.AttachRequest(start=pb.AttachStart(id=job.id)), pb.AttachRequest(stdin=b"one\ntwo\n"),
        pb.AttachRequest(close_stdin=True)]
kinds, said = [], b""
for frame in jobs.Attach(iter(asks)):
    kinds.append(frame.WhichOneof("frame"))
    if kinds[-1] == "chunk":
        said += frame.chunk.data
assert kinds[0] == "attached" and kinds[-1] == "ended" and said == b"got one\ngot two\n", (kinds, said)

# What is not there has a reason.
try:
    jobs.GetJob(pb.GetJobRequest(id="zzzzzzzzzzzz"))
    raise AssertionError("it is there")
except grpc.RpcError as error:
    assert error.code() == grpc.StatusCode.NOT_FOUND, error

# The older service, by its own protocol.
old = compat_pb2_grpc.JobServiceStub(channel)
job = old.Start(compat_pb2.JobStartRequest(command="/bin/echo", args=["Hello World"])).jobId
out = b"".join(part.stdout for part in old.SubscribeOutput(compat_pb2.JobSubscriptionRequest(jobId=job)))
assert out == b"Hello World\n", out
assert old.QueryStatus(compat_pb2.JobQueryRequest(jobId=job)).status == "completed"
print("ok")
