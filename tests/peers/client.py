"""Talks to a server with python3-grpcio: client.py HOST:PORT FOLDER_OF_GENERATED_MODULES

Writes one JSON object with what it saw.
"""
import json
import sys

address, generated = sys.argv[1:]
sys.path.insert(0, generated)

import grpc  # noqa: E402
from inferencehost.v1 import inference_pb2 as pb, inference_pb2_grpc as rpc  # noqa: E402

PROMPT = "The capital of France is"


def refusal(call):
    """Status of a call that fails."""
    try:
        for _ in call:
            pass
        return {"code": "OK"}
    except grpc.RpcError as error:
        return {"code": error.code().name, "details": any(key == "grpc-status-details-bin" for key, _ in error.trailing_metadata())}


with grpc.insecure_channel(address) as channel:
    stub = rpc.InferenceStub(channel)
    messages = list(stub.Generate(pb.GenerateRequest(prompt=PROMPT, max_tokens=8, temperature=0)))
    compressed = list(stub.Generate(pb.GenerateRequest(prompt=PROMPT, max_tokens=8, temperature=0), compression=grpc.Compression.Gzip))
    refused = refusal(stub.Generate(pb.GenerateRequest(prompt=PROMPT, max_tokens=-1)))
    late = refusal(stub.Generate(pb.GenerateRequest(prompt=PROMPT, max_tokens=4000, ignore_eos=True), timeout=0.5))

    cancelled = stub.Generate(pb.GenerateRequest(prompt=PROMPT, max_tokens=4000, ignore_eos=True))
    next(cancelled)
    cancelled.cancel()

    ids = stub.Tokenize(pb.TokenizeRequest(text="日本語", add_special=False)).token_ids
    round_trip = stub.Detokenize(pb.DetokenizeRequest(token_ids=ids)).text

print(json.dumps({
    "text": "".join(message.text for message in messages),
    "compressed": "".join(message.text for message in compressed),
    "finish_reason": pb.FinishReason.Name(messages[-1].finish_reason),
    "refused": refused,
    "late": late,
    "cancelled": cancelled.code().name,
    "round_trip": round_trip,
}, ensure_ascii=False))
