"""The most costly files of 100 KB that we could think of."""

import gzip
import io
import json
import os
import struct
import sys
import tarfile
import zipfile

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
sys.path.insert(0, os.path.join(ROOT, "fixtures", "hostile"))

from pickles import call, find, number, pickle, storage, tensor, text, tuple_of  # noqa: E402
from zipforge import Record, build  # noqa: E402

SIZE = 100_000
GET = b"h\0"
DATA = bytes(24)


def archive(data, deflate=False, more=()):
    records = [
        Record("a/data.pkl", data, deflate=deflate),
        Record("a/byteorder", b"little"),
        *more,
        Record("a/data/0", DATA),
        Record("a/version", b"3\n"),
    ]
    return build(records)


def remembered(value):
    """A value that is in memo entry 0 and no longer on the stack."""
    return value + b"q\0" + b"0"


def keys(count):
    return (b"M" + struct.pack("<H", index) for index in range(count))


def fans():
    """One thing in many places: as items of a list, values and keys of dicts."""
    things = {
        "text": remembered(text("t" * 40_000)),
        "bytes": remembered(b"B" + struct.pack("<I", 40_000) + b"\xff" * 40_000),
        "long": remembered(b"\x8b" + struct.pack("<i", 40_000) + b"\x55" * 40_000),
        "decimal": remembered(b"L" + b"7" * 4_000 + b"L\n"),
        "tensor": remembered(tensor()),
        "named": remembered(find("m" * 30_000, "n" * 10_000)),
        "dtype": remembered(find("torch", "float32")),
        "opaque": remembered(call(find("a", "b"), text("t" * 40_000))),
        "list": remembered(b"](" + b"K\1" * 20_000 + b"e"),
        "dict": remembered(b"}(" + b"".join(k + b"N" for k in keys(10_000)) + b"u"),
    }
    for name, thing in things.items():
        room = SIZE - len(thing) - 400
        yield f"fan_list_{name}", thing + b"](" + GET * (room // 2) + b"e"
        yield f"fan_dict_{name}", (
            thing + b"}(" + b"".join(k + GET for k in keys(room // 5)) + b"u"
        )
        yield f"fan_tuples_{name}", (
            thing + b"](" + b"".join([GET * 3 + b"\x87"] * (room // 7)) + b"e"
        )
        yield f"fan_chain_{name}", thing + GET + (GET + b"\x86") * (room // 3)
    tensors = (text(f"{index:x}") + GET for index in range(9_000))
    yield "fan_names_tensor", remembered(tensor()) + b"}(" + b"".join(tensors) + b"u"


def names():
    """Key paths that are long, many, or both."""
    long = text("k" * 40_000)
    each = b"".join(k + GET for k in keys(11_000))
    yield "long_key_tensors", (
        remembered(tensor()) + b"}" + long + b"}(" + each + b"us"
    )
    yield "long_key_numbers", b"}" + long + b"](" + b"K\1" * 29_000 + b"es"
    imported = [f"ca{index}\nb\n".encode() for index in range(6_000)]
    yield "long_key_globals", b"}" + long + b"](" + b"".join(imported) + b"es"
    yield "keys_and_globals", (
        b"}(" + text("g") + b"](" + b"".join(imported) + b"e"
        + b"".join(k + b"K\1" for k in keys(6_000)) + b"u"
    )
    few = [text(f"{index:x}") for index in range(9_000)]
    yield "tensors_and_numbers", (
        remembered(tensor()) + b"}("
        + b"".join(key + GET for key in few[:4_500])
        + b"".join(key + b"K\1" for key in few[4_500:]) + b"u"
    )
    named = b"}" + text("a") + GET + b"s"
    yield "renames_and_globals", (
        remembered(tensor()) + b"}(" + text("g") + b"](" + b"".join(imported[:5_000])
        + b"e" + text("l") + b"](" + named * 5_000 + b"eu"
    )
    nested = b"}K\1" * 12_000 + GET + b"s" * 12_000
    yield "deep_dicts_tensor", remembered(tensor()) + nested
    level = b"}(K\2" + GET + b"K\1"
    yield "deep_dicts_tensors", (
        remembered(tensor()) + level * 9_000 + b"N" + b"u" * 9_000
    )
    level = b"](" + GET
    yield "deep_lists_tensors", (
        remembered(tensor()) + level * 20_000 + b"N" + b"e" * 20_000
    )
    level = b"}(" + text("ab.c") + GET + text("x")
    yield "deep_named_tensors", (
        remembered(tensor()) + level * 4_000 + b"N" + b"u" * 4_000
    )
    equal = (text("w") + GET) * 10_000
    yield "same_key_tensors", remembered(tensor()) + b"}(" + equal + b"u"
    dotted = text(".".join("a" * 40_000))
    yield "dotted_key", remembered(tensor()) + b"}" + dotted + GET + b"s"
    quotes = text("'\\\n\x01\u202e" * 12_000)
    yield "escaped_key", remembered(tensor()) + b"}" + quotes + GET + b"s"
    yield "deep_dataset", b"]" * 45_000 + b"a" * 44_999


def shared():
    """2^60 paths."""
    double = b"}(K\1h%cK\2h%cuq%c0"
    body = b"}q\0" + b"0"
    for level in range(1, 60):
        body += double % (level - 1, level - 1, level)
    yield "doubling_dicts", body + b"h\x3b"
    body = remembered(tensor())
    for level in range(1, 60):
        body += b"h%ch%c\x86q%c0" % (level - 1, level - 1, level)
    yield "doubling_tensors", body + b"h\x3b"
    # Many such structures, each a little different.
    body = remembered(tensor()) + b"("
    for _ in range(200):
        body += b"h\0h\0\x86q\1" + b"0" + b"h\1h\1\x86q\1" b"0" * 59 + b"h\1"
    yield "doubling_often", body + b"t"
    cycle = b"]q\0(" + GET * 45_000 + b"e"
    nones = b"}(" + b"".join(b"M" + struct.pack("<H", i) + b"N" for i in range(256, 12_256)) + b"u"
    parts = b"}(" + text("_parameters") + nones + text("_modules") + b"}u"
    for name, state, each in [
        ("networks", parts, b"h\1)\x81h\2b"),
        ("states", nones, b"h\1)\x81h\2b"),
        ("keywords", nones, b"h\1)h\2\x92"),
        ("counters", nones + b"\x85", b"h\1h\2R"),
    ]:
        kind = find("collections", "Counter") if name == "counters" else find("a", "b")
        yield f"shared_{name}", kind + b"q\1" + b"0" + state + b"q\2" + b"0](" + each * 6_900 + b"e"
    yield "cycle", cycle
    cycle = b"}q\0(" + b"".join(k + GET for k in keys(18_000)) + b"u"
    yield "cycle_dict", cycle


def calls():
    """Calls, names that calls build, and chains of them."""
    get = find("builtins", "getattr") + b"q\1" + b"0"
    name = text("n" * 40_000) + b"q\0" + b"0"
    one = b"h\1" + find("a", "b") + GET + b"\x86R"
    yield "getattr_long", name + get + b"](" + one * 5_000 + b"e"
    chain = find("a", "b")
    yield "getattr_long_chain", (
        name + get + b"h\1" * 5_000 + chain + (GET + b"\x86R") * 5_000
    )
    short = text("n") + b"q\0" + b"0"
    yield "getattr_chain", (
        short + get + b"h\1" * 15_000 + chain + (GET + b"\x86R") * 15_000
    )
    join = find("operator", "add") + b"q\1" + b"0"
    doubled = text("x") + b"q\0" + b"0"
    for _ in range(40):
        doubled += b"h\1" + GET + GET + b"\x86Rq\0" + b"0"
    yield "add_doubling", join + doubled + GET
    yield "reduce_many", find("a", "b") + b"q\0" + b"0](" + b"h\0)R" * 24_000 + b"e"
    yield "reduce_nested", (
        find("a", "b") + b"q\0" + GET * 24_000 + b")R" + b"\x85R" * 24_000
    )
    yield "build_many", find("a", "b") + b")R" + b"}b" * 48_000
    yield "build_long", (
        find("a", "b") + b")R" + remembered(text("t" * 40_000)) + (GET + b"b") * 19_000
    )
    yield "globals_many", b"](" + b"".join(
        f"ca\n{index:x}\n".encode() for index in range(12_000)
    ) + b"e"
    yield "globals_same", b"](" + b"ca\nb\n" * 19_000 + b"e"
    yield "globals_safe", b"](" + b"ctorch\nSize\n" * 8_000 + b"e"
    yield "getattr_globals", (
      name + get + b"](" + (one + b"0") * 4_000 + b"e"
    )
    decimal = find("decimal", "Decimal") + b"q\1" + b"0"
    yield "decimals_long", name + decimal + b"](" + (b"h\1" + GET + b"\x85R") * 9_000 + b"e"
    yield "keys_opaque", (
        name + b"}(" + (find("a", "b") + GET + b"\x85RN") * 4_500 + b"u"
    )
    yield "name_long", find("m" * 50_000, "n" * 40_000)
    yield "stack_global", (
        remembered(text("n" * 40_000)) + b"](" + (GET + GET + b"\x93") * 11_000 + b"e"
    )
    yield "set_items", b"}q\0(" + b"K\1K\2" * 24_000 + b"u"
    rebuilt = find("torch._utils", "_rebuild_tensor_v2") + b"q\0" + b"0"
    stored = storage() + b"q\1" + b"0"
    ordered = find("collections", "OrderedDict") + b"q\2" + b"0"
    each = GET + b"(h\1K\0K\1\x85K\1\x85\x89h\2)RtR"
    yield "tensors_many", rebuilt + stored + ordered + b"](" + each * 4_500 + b"e"
    pairs = b"".join(k + each for k in keys(3_900))
    yield "tensors_dict", rebuilt + stored + ordered + b"}(" + pairs + b"u"
    huge = GET + b"(h\1K\0(" + b"K\1" * 20_000 + b"t(" + b"K\1" * 20_000 + b"t\x89h\2)RtR"
    yield "tensor_rank", rebuilt + stored + ordered + huge
    wide = remembered(tuple_of(*[number(1)] * 20_000))
    body = rebuilt.replace(b"q\0", b"q\3") + stored + ordered + wide
    yield "tensors_rank", (
        body + b"](" + b"h\3(h\1K\0h\0h\0\x89h\2)RtR" * 3_000 + b"e"
    )


def plain():
    """Nothing but one opcode, or a few."""
    yield "lists_deep", b"]" * 49_000 + b"a" * 48_999
    yield "tuples_deep", b")" + b"\x85" * 99_000
    yield "lists_flat", b"(" + b"]" * 99_000 + b"l"
    yield "dicts_flat", b"(" + b"}" * 99_000 + b"l"
    yield "marks", b"(" * 50_000 + b"t" * 50_000
    yield "memos", b"N" + b"\x94" * 99_000
    yield "memo_far", b"N" + b"".join(
        b"r" + struct.pack("<I", index * 200_000) for index in range(19_000)
    )
    yield "numbers", b"(" + b"K\1" * 49_000 + b"l"
    yield "floats_text", b"(" + b"F1\n" * 33_000 + b"l"
    yield "pops", b"N0" * 49_000 + b"N"
    yield "dups", b"(" + b"]" + b"2" * 99_000 + b"l"
    yield "long_text", text("\u4e2d" * 33_000)
    yield "long_text_zero", text("\0" * 99_000)
    yield "long_number", b"\x8b" + struct.pack("<i", 99_000) + b"\x7f" * 99_000
    yield "long_decimal", b"L" + b"9" * 99_000 + b"L\n"
    yield "long_line", b"I" + b"1" * 99_000 + b"\n"
    yield "unicode_line", b"V" + b"\\u4e2d" * 16_000 + b"\n"
    yield "string_line", b"S'" + b"\\x41" * 24_000 + b"'\n"
    yield "set", b"\x8f(" + b"".join(keys(30_000)) + b"\x90"
    yield "frozensets", b"(" * 30_000 + b"\x91" * 30_000
    yield "persistent", b"](" + storage() + b"q\0" + GET * 40_000 + b"e"
    yield "persistent_odd", b"](" + b"NQ" * 45_000 + b"e"
    yield "after_stop", b"N." * 48_000 + b"N"


def inflated(values):
    """Pickles that are much larger than their file: 2.5 MiB is the most.

    What makes a value each is repeated `values` times at most: the limit is
    1,050,000, and 400,000 where an object is built.
    """

    def fill(opcodes, part=1):
        return opcodes * int(min(2_600_000 / len(opcodes), values) * part)

    yield "lists", b"(" + fill(b"]") + b"l"
    yield "nones", b"(" + fill(b"N") + b"l"
    yield "deep", fill(b"]", 0.5) + fill(b"a", 0.5)[:-1]
    yield "tuples", b")" + fill(b"\x85")
    yield "texts", b"(" + fill(text("a" * 20)) + b"l"
    yield "numbers", b"(" + fill(b"K\1") + b"l"
    yield "pops", fill(b"N0") + b"N"
    yield "memos", b"N" + fill(b"\x94")
    yield "text", text(fill("a"))
    yield "after_stop", fill(b"N.") + b"N"
    yield "marks", fill(b"(", 0.5) + fill(b"t", 0.5)
    yield "globals", b"](" + fill(b"ca\nb\n") + b"e"
    yield "names", b"](" + b"".join(
        f"ca\n{index:x}\n".encode() for index in range(40_000)
    ) + b"e"
    yield "calls", find("a", "b") + b"q\0" + b"0](" + fill(b"h\0)R") + b"e"
    yield "bad_calls", b"](" + fill(b"N)R") + b"e"
    get = find("builtins", "getattr") + b"q\1" + b"0" + find("a", "b") + b"q\2" + b"0"
    yield "getattr", (
        remembered(text("n")) + get + b"](" + fill(b"h\1h\2" + GET + b"\x86R") + b"e"
    )
    got = find("builtins", "getattr") + find("a", "b") + GET + b"\x86R"
    yield "getattrs", remembered(text("n")) + b"](" + fill(got) + b"e"
    rebuilt = find("torch._utils", "_rebuild_tensor_v2") + b"q\0" + b"0"
    stored = storage() + b"q\1" + b"0"
    ordered = find("collections", "OrderedDict") + b"q\2" + b"0"
    each = GET + b"(h\1K\0K\1\x85K\1\x85\x89h\2)RtR"
    yield "tensors", rebuilt + stored + ordered + b"](" + fill(each) + b"e"
    yield "bad_tensors", rebuilt + b"](" + fill(GET + b"(NK\0tR") + b"e"
    yield "get_tensors", remembered(tensor()) + b"](" + fill(GET) + b"e"
    yield "gets", b"Nq\0](" + fill(GET) + b"e"
    yield "puts", b"N" + b"".join(
        b"r" + struct.pack("<I", 7 * index) for index in range(60_000)
    )
    yield "indented", b"(" * 999 + fill(b"N") + b"t" * 999
    yield "mark_pairs", fill(b"(1") + b"N"
    leaves = {
        "decimals": b"I1\n",
        "long_lines": b"L1\n",
        "longs": b"\x8a\0",
        "longs64": b"\x8a\x40" + b"\x7f" * 64,
        "longs255": b"\x8a\xff" + b"\x7f" * 255,
        "longs520": b"\x8b" + struct.pack("<i", 520) + b"\x7f" * 520,
        "longs1024": b"\x8b" + struct.pack("<i", 1024) + b"\x7f" * 1024,
        "longs1785": b"\x8b" + struct.pack("<i", 1785) + b"\x7f" * 1785,
        "longs32k": b"\x8b" + struct.pack("<i", 32768) + b"\x7f" * 32768,
        "digits1000": b"L" + b"7" * 1000 + b"L\n",
        "digits4300": b"I" + b"7" * 4300 + b"\n",
        "digits8k": b"L" + b"7" * 8192 + b"L\n",
        "digits65k": b"L" + b"7" * 65536 + b"L\n",
        "floats": b"G" + struct.pack(">d", 1.1e-5),
        "floats_text": b"F1\n",
        "floats_far": b"F1e300\n",
        "empty_texts": b"\x8c\0",
        "unicode_lines": b"V\n",
        "string_lines": b"S''\n",
        "strings": b"U\0",
        "bytes": b"C\1\xff",
        "byte_arrays": b"\x96" + bytes(8),
        "ids": b"P\n",
        "extensions": b"\x82\1",
        "lines": b"c\n\n",
    }
    for name, leaf in leaves.items():
        yield name, b"(" + fill(leaf) + b"l"


def zips():
    good = pickle(b"}" + text("w") + tensor() + b"s")
    many = [Record(f"a/data/{index}", b"") for index in range(1, 800)]
    yield "records", archive(good, more=many)
    bomb = Record("a/data/1", b"\0" * 60_000_000, deflate=True)
    yield "bomb_storage", archive(good, more=[bomb])
    bombs = [
        Record(f"a/x{index}", b"\0" * 10_000_000, deflate=True) for index in range(8)
    ]
    yield "bombs", archive(good, more=bombs)
    bombs = [
        Record(f"a/x{index}", b"]" * 1_400_000, deflate=True) for index in range(60)
    ]
    yield "bombs_pickle", archive(good, more=bombs)
    # A thousand entries of the directory that share one record's bytes.
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("a/data.pkl", good)
        file.writestr("a/data/0", DATA)
        file.writestr("a/data/1", b"\0" * 50_000_000)
        info = file.getinfo("a/data/1")
        for index in range(2, 800):
            copy = zipfile.ZipInfo(f"a/data/{index}")
            for field in (
                "CRC", "compress_size", "file_size", "header_offset",
                "compress_type", "flag_bits",
            ):
                setattr(copy, field, getattr(info, field))
            file.filelist.append(copy)
            file.NameToInfo[copy.filename] = copy
        file._didModify = True
    yield "shared_bomb", packed.getvalue()
    inner = good
    for depth in range(12):
        inner = archive(good, deflate=True, more=[
            Record(f"a/inner{index}.pth", inner, deflate=True) for index in range(6)
        ])
        if len(inner) > SIZE:
            break
        last = inner
    yield "nested", last
    body = b"\0" * 40_000_000
    for _ in range(4):
        body = archive(good, more=[Record("a/inner.pth", body, deflate=True)])
    yield "nested_bomb", body
    yield "prefix", b"PK\3\4" * 24_000 + archive(good)
    yield "directories", b"PK\5\6" * 24_000 + archive(good)
    yield "starts_in_storage", archive(good, more=[
        Record("a/data/1", b"\x80\2" * 45_000)
    ])
    yield "starts_of_zips", archive(good, more=[
        Record("a/data/1", b"PK\3\4\x14\0\0\0\0\0" * 9_000)
    ])


def others():
    header = ",".join(
        f'"{index}":{{"dtype":"F32","shape":[0],"data_offsets":[0,0]}}'
        for index in range(1_600)
    )
    yield "many.safetensors", safetensors("{" + header + "}")
    wide = ",".join(["1"] * 45_000)
    yield "rank.safetensors", safetensors(
        f'{{"a":{{"dtype":"F32","shape":[{wide}],"data_offsets":[0,4]}}}}', bytes(4)
    )
    metadata = ",".join(f'"{index}":""' for index in range(9_000))
    yield "metadata.safetensors", safetensors(f'{{"__metadata__":{{{metadata}}}}}')
    escapes = "\\u4e2d" * 16_000
    yield "escapes.safetensors", safetensors(
        f'{{"{escapes}":{{"dtype":"F32","shape":[0],"data_offsets":[0,0]}}}}'
    )
    yield "deep.safetensors", safetensors('{"a":' + "[" * 90_000)
    descr = ",".join(f"('f{index}','<f4')" for index in range(4_000))
    yield "fields.npy", npy(f"{{'descr':[{descr}],'fortran_order':False,'shape':(1,)}}")
    rank = "1," * 40_000
    yield "rank.npy", npy(
        f"{{'descr':'<f4','fortran_order':False,'shape':({rank})}}", bytes(4)
    )
    yield "deep.npy", npy("{'descr':" + "[" * 60_000 + "}")
    strings = b"".join(gguf_text(f"k{index:x}") + struct.pack("<IB", 0, 1) for index in range(5_000))
    yield "keys.gguf", gguf(0, 5_000) + strings
    infos = b"".join(
        gguf_text(f"{index:x}") + struct.pack("<IQIQ", 1, 0, 0, 0) for index in range(2_500)
    )
    yield "tensors.gguf", gguf(2_500, 0) + infos + bytes(64)
    arrays = b"".join(struct.pack("<IQ", 9, 1) for _ in range(8_000))
    yield "deep.gguf", gguf(0, 1) + gguf_text("k") + struct.pack("<I", 9) + arrays
    yield "bomb-idx1-ubyte.gz", gzip.compress(
        struct.pack(">II", 0x801, 100_000_000) + bytes(90_000_000), 9
    )
    yield "members.gz", gzip.compress(b"N", 9) * 4_500
    yield "small_members.pkl.gz", gzip.compress(pickle(b"]" * 9_900_000), 9)
    tar = io.BytesIO()
    with tarfile.open(fileobj=tar, mode="w", format=tarfile.USTAR_FORMAT) as file:
        for index in range(180):
            file.addfile(tarfile.TarInfo(f"x{index}"))
    yield "members.tar", tar.getvalue()
    parts = {f"w{index}": "s.bin" for index in range(5_500)}
    yield "names.bin.index.json", json.dumps({"weight_map": parts}).encode()
    parts = {f"w{index}": f"s{index}.bin" for index in range(3_500)}
    yield "shards.bin.index.json", json.dumps({"weight_map": parts}).encode()
    yield "text.pkl", b"(" + b"I1\n" * 33_000 + b"l."
    yield "zeros.pth", bytes(SIZE)
    yield "legacy.pth", b"".join([
        pickle(b"\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19"), pickle(b"M\xe9\3"), pickle(b"}"),
        pickle(b"}" + text("w") + tensor(storage(view=b"N")) + b"s"),
        pickle(b"](" + text("0") * 15_000 + b"e"),
    ])


def views():
    """Tensors that repeat the bytes of one storage: gigabytes of elements."""
    wide = tensor(size=((1 << 28) - 8,), stride=(0,))
    yield "wide.pth", archive(pickle(b"}" + text("w") + wide + b"s", protocol=4))
    count = 4_000_000
    store = storage(count=count) + b"q\1" + b"0"
    for name, times in (("few", 3), ("many", 600)):
        many = (
            text(f"w{index}") + tensor(b"h\1", size=(count - index,), stride=(1,))
            for index in range(times)
        )
        body = store + b"}(" + b"".join(many) + b"u"
        yield f"views_{name}.pth", build([
            Record("a/data.pkl", pickle(body, protocol=4)),
            Record("a/byteorder", b"little"),
            Record("a/data/0", bytes(4 * count), deflate=True),
            Record("a/version", b"3\n"),
        ])


def quantized():
    """Tensors that share 20,000 scales and zero points."""
    count = 20_000
    side = [
        tensor(storage(key, kind, count), size=(count,), stride=(1,))
        for key, kind in (("1", "DoubleStorage"), ("2", "LongStorage"))
    ]
    parts = [
        *side, storage(kind="QInt8Storage", count=count), find("torch", "per_channel_affine"),
        find("torch._utils", "_rebuild_qtensor"), call(find("collections", "OrderedDict")),
    ]
    body = b"".join(part + b"q" + bytes([index]) + b"0" for index, part in enumerate(parts))
    shape = tuple_of(number(count), number(1)) + tuple_of(number(1), number(1))
    each = b"h\4(h\2K\0" + shape + b"(h\3h\0h\1K\0t\x89h\5tR"
    body += b"}(" + b"".join(text(f"w{index}") + each for index in range(1_500)) + b"u"
    yield "quantized.pth", build([
        Record("a/data.pkl", pickle(body, protocol=4)),
        Record("a/byteorder", b"little"),
        Record("a/data/0", bytes(count), deflate=True),
        Record("a/data/1", struct.pack("<d", 1.0) * count, deflate=True),
        Record("a/data/2", bytes(8 * count), deflate=True),
        Record("a/version", b"3\n"),
    ])


def sparse():
    """One sparse tensor under many names, alone and deflated."""
    value = call(
        find("torch._utils", "_rebuild_sparse_tensor"),
        call(find("torch.serialization", "_get_layout"), text("torch.sparse_coo")),
        tuple_of(
            tensor(storage("1", "LongStorage", 2), size=(1, 2), stride=(2, 1)),
            tensor(size=(2,), stride=(1,)),
            call(find("torch", "Size"), tuple_of(number(3))),
        ),
    )
    for count, deflate in ((8_000, False), (24_000, True)):
        keys = (text("ac"[index % 2] + str(index)) + GET for index in range(count))
        body = remembered(value) + b"}(" + b"".join(keys) + b"u"
        more = [Record("a/data/1", bytes(16))]
        yield f"sparse_{count}.pth", archive(pickle(body, protocol=4), deflate, more)


def safetensors(header, data=b""):
    data = header.encode() + data if isinstance(header, str) else header + data
    return struct.pack("<Q", len(header.encode())) + data


def npy(header, data=b""):
    return b"\x93NUMPY\3\0" + struct.pack("<I", len(header)) + header.encode() + data


def gguf(tensors, values):
    return b"GGUF" + struct.pack("<IQQ", 3, tensors, values)


def gguf_text(value):
    return struct.pack("<Q", len(value)) + value.encode()


def cases():
    """Names of files and their bytes."""
    for family in (fans, names, shared, calls, plain):
        for name, body in family():
            yield f"{name}.pth", archive(pickle(body, protocol=4))
    for name, body in inflated(values=3_000_000):
        yield f"inflated_{name}.pth", archive(pickle(body, protocol=4), deflate=True)
    for values in (1_045_000, 395_000, 197_000, 98_000):
        for name, body in inflated(values):
            packed = archive(pickle(body, protocol=4), deflate=True)
            yield f"values{values // 1000}_{name}.pth", packed
    for name, data in zips():
        yield f"zip_{name}.pth", data
    yield from sparse()
    yield from views()
    yield from quantized()
    yield from others()


if __name__ == "__main__":
    for name, data in cases():
        assert len(data) <= SIZE * 1.024, (name, len(data))
        with open(os.path.join(sys.argv[1], name), "wb") as file:
            file.write(data)
