#!/usr/bin/env python3
"""Checks a folder of TuringFog vectors: python3 stranger.py FOLDER

Written from docs/operators/formats.md alone, with Python's standard library only. It does not check who signed.
"""
import base64
import hashlib
import io
import json
import re
import sys
import tarfile
from pathlib import Path
from typing import Any

KIB = 1024
RECEIPTS_LIMIT = 16 * KIB * KIB  # A receipt file has no limit of its own. This is ours.
DOMAIN_TYPE = "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141  # secp256k1's
DOCUMENTS = ["turingfog-node-document-v1", "turingfog-signer-document-v1"]
MESSAGES = ["turingfog-envelope-v1", "turingfog-round-claim-v1", "turingfog-acknowledgement-v1", "turingfog-grant-v1"]
JOB = "turingfog-job-v1"
READING = "turingfog-reading-v1"

# Signed formats: at most so many bytes, the domain's name, the signature's form, the EIP-712 type.
SIGNED = {
    DOCUMENTS[0]: (64 * KIB, "TuringFog Node", "signature of any kind",
                   "NodeDocument(uint256 nodeId,uint64 sequence,uint40 expiresAt,string endpoint,address meterKey,"
                   "string encryptionKey,bytes32 runners)"),
    DOCUMENTS[1]: (64 * KIB, "TuringFog TUReceiptOracle", "signature of any kind",
                   "SignerDocument(address signer,uint64 sequence,uint40 expiresAt,string endpoint,address linkKey,"
                   "string encryptionKey,bytes32 drawCommitment)"),
    READING: (KIB, "TuringFog Meter", "signature of 65 bytes",
              "Reading(uint256 orderId,uint256 nodeId,uint64 sequence,uint96 cumulativeTU,uint40 measuredAt,"
              "bytes32 evidence,bytes32 previous)"),
    MESSAGES[0]: (KIB, "TuringFog Link", "signature of 65 bytes",
                  "Envelope(address receiver,string request,bytes32 bodyHash,bytes32 nonce,uint40 expiresAt)"),
    MESSAGES[1]: (KIB, "TuringFog Meter", "signature of 65 bytes",
                  "RoundClaim(uint256 orderId,uint256 nodeId,uint32 round,bytes32 startHash,bytes32 endHash,"
                  "uint64 images)"),
    MESSAGES[2]: (KIB, "TuringFog ComputeEscrow", "signature of 65 bytes",
                  "Acknowledgement(uint256 orderId,uint96 cumulativeTU)"),
    MESSAGES[3]: (64 * KIB, "TuringFog Job", "signature of any kind",
                  "Grant(uint256 orderId,string recipient,string identity)"),
}
# What a text must match as a whole.
PATTERNS = {
    "address": "0x[0-9a-f]{40}",
    "bytes32": "0x[0-9a-f]{64}",
    "signature of 65 bytes": "0x[0-9a-f]{128}(1b|1c)",
    "signature of any kind": "0x([0-9a-f]{2}){1,8192}",
    "counted": "images|seconds",
    "endpoint": r"(?=.{1,255}$)https?://([a-z0-9.-]+|\[[0-9a-f:.]+\])(:[0-9]{1,5})?"
                r"(/(?!\.{1,2}(/|$))[A-Za-z0-9._~-]+)*",
    "encryptionKey": "age1[02-9ac-hj-np-z]{58}",
    "kind": "training|benchmark|container|process",
    "name": "[a-z0-9][a-z0-9-]{0,31}",
    "slot's name": "[A-Z][A-Z0-9_]{0,31}",
    "slot": r"\[[A-Za-z0-9 ._:=,+@/-]{1,64}\]\{(0|[1-9][0-9]{0,3}),[1-9][0-9]{0,3}\}",
    "identity": "(?=.{4,8192}$)([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?",
    "holdback": "[0-9]{1,3}|1[0-9]{3}|2000",
    "progress": "public|encrypted",
    "slot's text": "[ -~]{0,9999}",
    "request": "(GET|POST|PUT) /[!-~]{0,255}",
    "text": "[ -~]*",
}


def require(condition: bool, problem: str) -> None:
    if not condition:
        raise ValueError(problem)


# --- Hashes ---


def keccak_rounds(lanes: list[list[int]]) -> None:
    """Keccak-f[1600] on 5 x 5 lanes of 64 bits, in place."""
    mask = 2**64 - 1
    lfsr = 1  # Yields the bits of the round constants.
    for _ in range(24):
        column = [lanes[x][0] ^ lanes[x][1] ^ lanes[x][2] ^ lanes[x][3] ^ lanes[x][4] for x in range(5)]
        for x in range(5):
            right = column[(x + 1) % 5]
            mixed = column[x - 1] ^ ((right << 1 | right >> 63) & mask)
            lanes[x] = [lane ^ mixed for lane in lanes[x]]
        x, y, moved = 1, 0, lanes[1][0]
        for step in range(24):
            x, y = y, (2 * x + 3 * y) % 5
            shift = (step + 1) * (step + 2) // 2 % 64
            lanes[x][y], moved = (moved << shift | moved >> (64 - shift)) & mask, lanes[x][y]
        for y in range(5):
            row = [lanes[x][y] for x in range(5)]
            for x in range(5):
                lanes[x][y] = row[x] ^ (~row[(x + 1) % 5] & mask & row[(x + 2) % 5])
        for bit in range(7):
            lfsr = (lfsr << 1 ^ (lfsr >> 7) * 0x71) % 256
            if lfsr & 2:
                lanes[0][0] ^= 1 << ((1 << bit) - 1)


def keccak256(data: bytes) -> bytes:
    """Keccak-256 with Keccak's own padding, 0x01. (SHA3-256 pads with 0x06.)"""
    rate = 136
    padded = bytearray(data + b"\x01" + bytes(-(len(data) + 1) % rate))
    padded[-1] |= 0x80
    lanes = [[0] * 5 for _ in range(5)]
    for start in range(0, len(padded), rate):
        for lane in range(rate // 8):
            at = start + 8 * lane
            lanes[lane % 5][lane // 5] ^= int.from_bytes(padded[at : at + 8], "little")
        keccak_rounds(lanes)
    return b"".join(lanes[x][0].to_bytes(8, "little") for x in range(4))


def to_hex(data: bytes) -> str:
    return "0x" + data.hex()


def sha256(data: bytes) -> str:
    return to_hex(hashlib.sha256(data).digest())


def fields_of(encode_type: str) -> dict[str, str]:
    """The type of each value of an EIP-712 type, in its order."""
    inside = encode_type[encode_type.index("(") + 1 : -1]
    return {name: kind for kind, name in (field.split(" ") for field in inside.split(","))}


def struct_hash(encode_type: str, message: dict[str, Any]) -> bytes:
    encoded = keccak256(encode_type.encode())
    for name, kind in fields_of(encode_type).items():
        value = message[name]
        if kind == "string":
            encoded += keccak256(value.encode())
        elif kind.startswith("uint"):
            encoded += int(value).to_bytes(32, "big")
        else:  # An address or bytes32. `runners` is a list; its canonical text is the text in the message.
            digits = sha256(canonical(value)) if isinstance(value, list) else value
            encoded += bytes.fromhex(digits[2:]).rjust(32, b"\0")
    return keccak256(encoded)


def digest_of(separator: bytes, hashed: bytes) -> str:
    return to_hex(keccak256(b"\x19\x01" + separator + hashed))


# --- The reader ---


def canonical(value: Any) -> bytes:
    """RFC 8785 for what the formats have: objects, lists and ASCII texts, but no numbers."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def shape_of(form: str) -> tuple[int, dict[str, Any]]:
    """The most bytes of a format, and what each value but `format` is: a kind of text, (most, what) for a list."""
    if form in SIGNED:
        limit, _, signature, encode_type = SIGNED[form]
        shape: dict[str, Any] = fields_of(encode_type) | {"signature": signature}
        runner = {"kind": "kind", "name": "name", "slots": "slots"}
        own = {"endpoint": "endpoint", "encryptionKey": "encryptionKey", "request": "request", "runners": (16, runner),
               "recipient": "encryptionKey", "identity": "identity"}
        return limit, shape | {key: own[key] for key in own if key in shape}
    if form == "turingfog-readings-v1":
        return 256 * KIB, {"readings": (256, shape_of(READING)[1])}
    if form == "turingfog-evidence-v1":
        return KIB, {"counted": "counted", "amount": "uint64", "result": "bytes32"}
    if form == JOB:
        numbers = {"chainId": "uint64", "nodeId": "uint256", "tuAmount": "uint96", "imagesPerTU": "uint64"}
        names = {"runner": "name", "slots": "filled slots", "holdback": "holdback", "progress": "progress"}
        addresses = {"escrow": "address", "asset": "address", "renter": "address"}
        return 256 * KIB, numbers | names | addresses | {"salt": "bytes32", "resultTo": "encryptionKey"}
    require(form == "turingfog-receipts-v1", f"{form} is not a format")
    receipt = {"orderId": "uint256", "nodeId": "uint256", "measuredAt": "uint40", "cumulativeTU": "uint96"}
    return RECEIPTS_LIMIT, {"receipts": (RECEIPTS_LIMIT, receipt | {"meterLogHash": "bytes32"})}


def check_text(value: Any, kind: str, problem: str) -> None:
    pattern = "0|[1-9][0-9]{0,77}" if kind.startswith("uint") else PATTERNS[kind]  # 2^256 has 78 digits.
    require(isinstance(value, str) and re.fullmatch(pattern, value) is not None, problem)
    if kind.startswith("uint"):
        require(int(value) < 2 ** int(kind[4:]), problem)
    if kind == "signature of 65 bytes":
        r, s = int(value[2:66], 16), int(value[66:130], 16)
        require(0 < r < ORDER and 0 < s <= ORDER // 2, problem)


def check_shape(value: Any, shape: Any, where: str) -> None:
    if isinstance(shape, dict):
        require(isinstance(value, dict) and set(value) == set(shape), f"{where} has not the keys {sorted(shape)}")
        for key in shape:
            check_shape(value[key], shape[key], f"{where}.{key}")
    elif isinstance(shape, tuple):
        most, item = shape
        require(isinstance(value, list) and 1 <= len(value) <= most, f"{where} is not a list of 1 to {most}")
        for index, member in enumerate(value):
            check_shape(member, item, f"{where}[{index}]")
    elif shape in ("slots", "filled slots"):
        require(isinstance(value, dict) and len(value) <= 16, f"{where} is not an object of at most 16")
        for key in value:
            check_shape(key, "slot's name", f"{where}: {key}")
            check_shape(value[key], "slot" if shape == "slots" else "slot's text", f"{where}.{key}")
    else:
        check_text(value, shape, f"{where}: not of the form of {shape}")


def read(data: bytes, form: str) -> dict[str, Any]:
    """The message of this format in these bytes. Raises ValueError for anything else."""
    limit, shape = shape_of(form)
    require(len(data) <= limit, f"{form} has more than {limit} bytes")
    try:
        message = json.loads(data.decode("utf-8"))
    except RecursionError:
        raise ValueError(f"{form} is nested too deep") from None
    require(isinstance(message, dict) and message.get("format") == form, f"not a {form}")
    check_shape({key: message[key] for key in message if key != "format"}, shape, form)
    names = [runner["name"] for runner in message.get("runners", [])]
    require(len(names) == len(set(names)), f"{form} has two runners of one name")
    require(canonical(message) == data, f"{form} is not in canonical form")
    return message


# --- The checks ---


def load(path: Path) -> Any:
    return json.loads(path.read_text("utf-8"))


def check_receipts(folder: Path) -> dict[str, Any]:
    data = (folder / "receipts.json").read_bytes()
    receipts = read(data, "turingfog-receipts-v1")["receipts"]
    keys = ("orderId", "nodeId", "measuredAt", "cumulativeTU")
    order = [[int(receipt[key]) for key in keys] for receipt in receipts]
    require(all(one < next_one for one, next_one in zip(order, order[1:])), "receipts.json: receipts do not ascend")
    total = sum(int(receipt["cumulativeTU"]) for receipt in receipts)
    found = {"dataHash": sha256(data), "receipts": len(receipts), "totalTU": str(total)}
    facts = load(folder / "receipts.facts.json")
    for key, value in found.items():
        require(facts[key] == value, f"receipts.facts.json: {key} should be {value}")
    return found


def check_domain(vector: dict[str, Any], form: str, where: str) -> bytes:
    """The domain separator, if the vector's type and domain are those of the format."""
    _, name, _, encode_type = SIGNED[form]
    require(vector["encodeType"] == encode_type, f"{where}: encodeType is not that of {form}")
    check_shape(vector["domain"], fields_of(DOMAIN_TYPE) | {"name": "text", "version": "text"}, f"{where}: domain")
    require(vector["domain"]["name"] == name and vector["domain"]["version"] == "1", f"{where}: another domain")
    separator = struct_hash(DOMAIN_TYPE, vector["domain"])
    require(vector["domainSeparator"] == to_hex(separator), f"{where}: domainSeparator should be {to_hex(separator)}")
    return separator


def check_follows(reading: dict[str, str], before: dict[str, str], where: str) -> None:
    require(reading["orderId"] == before["orderId"] and reading["nodeId"] == before["nodeId"], f"{where}: of another")
    require(int(reading["cumulativeTU"]) >= int(before["cumulativeTU"]), f"{where}: cumulativeTU falls")
    require(int(reading["measuredAt"]) >= int(before["measuredAt"]) + 60, f"{where}: less than 60 seconds")


def check_chain(folder: Path) -> dict[str, int]:
    chain = load(folder / "chain.json")
    separator = check_domain(chain, READING, "chain.json")
    readings = read(chain["post"].encode(), "turingfog-readings-v1")["readings"]
    require(len(chain["evidence"]) == len(chain["digests"]) == len(readings), "chain.json: lists of unlike length")
    previous = "0x" + "00" * 32
    for index, reading in enumerate(readings):
        where = f"chain.json: reading {index + 1}"
        line = chain["evidence"][index].encode()
        read(line, "turingfog-evidence-v1")
        require(reading["evidence"] == sha256(line), f"{where}: another evidence")
        require(int(reading["sequence"]) == index + 1, f"{where}: sequence should be {index + 1}")
        require(reading["previous"] == previous, f"{where}: previous should be {previous}")
        if index > 0:
            check_follows(reading, readings[index - 1], where)
        previous = digest_of(separator, struct_hash(chain["encodeType"], reading))
        require(chain["digests"][index] == previous, f"{where}: digest should be {previous}")
    single = read(chain["reading"].encode(), READING)
    require(single == readings[0] | {"format": READING}, "chain.json: reading is not the first of post")
    return {"readings": len(readings), "evidence": len(chain["evidence"])}


def check_signed(path: Path, forms: list[str]) -> int:
    """The vectors of signed messages in a file, which has one of each of these formats in this order."""
    vectors = load(path)
    require(len(vectors) == len(forms), f"{path.name} should have {len(forms)} vectors")
    for vector, form in zip(vectors, forms):
        where = f"{path.name}: {form}"
        separator = check_domain(vector, form, where)
        hashed = struct_hash(vector["encodeType"], read(vector["text"].encode(), form))
        require(vector["structHash"] == to_hex(hashed), f"{where}: structHash should be {to_hex(hashed)}")
        digest = digest_of(separator, hashed)
        require(vector["digest"] == digest, f"{where}: digest should be {digest}")
    return len(vectors)


def check_bundle(path: Path) -> int:
    """The bundle, by the tar reader that Python has."""
    vector = load(path)
    data = base64.b64decode(vector["tar"])
    require(sha256(data) == vector["sha256"], f"{path.name}: sha256 should be {sha256(data)}")
    with tarfile.open(fileobj=io.BytesIO(data), mode="r:") as tar:
        require(tar.getnames() == vector["paths"], f"{path.name}: paths should be {tar.getnames()}")
        require(all(member.isreg() for member in tar), f"{path.name}: not all are regular files")
        job = tar.extractfile("job.json")
        require(job is not None and job.read() == vector["job"].encode(), f"{path.name}: another job")
    read(vector["job"].encode(), JOB)
    return len(vector["paths"])


def check_refused(path: Path) -> int:
    vectors = load(path)
    require(len(vectors) > 0, f"{path.name} is empty")
    for vector in vectors:
        shape_of(vector["format"])  # Fails for a format that is not known: that would not be a text refused.
        try:
            read(vector["text"].encode(), vector["format"])
        except ValueError:
            continue
        raise ValueError(f"{path.name}: {vector['change']} is not refused")
    return len(vectors)


def main(arguments: list[str]) -> int:
    if len(arguments) != 1:
        print("usage: python3 stranger.py FOLDER", file=sys.stderr)
        return 1
    folder = Path(arguments[0])
    try:
        checked = check_receipts(folder) | check_chain(folder)
        checked["documents"] = check_signed(folder / "documents.json", DOCUMENTS)
        checked["messages"] = check_signed(folder / "messages.json", MESSAGES)
        checked["bundle"] = check_bundle(folder / "bundle.json")
        checked["refused"] = check_refused(folder / "refused.json")
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return 1
    print(json.dumps(checked))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
