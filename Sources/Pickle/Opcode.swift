/// The 68 opcodes of pickle protocols 0 to 5.
///
/// The raw value is the byte in the file. What each takes and leaves is told
/// by ``Opcode/descriptor``.
public enum Opcode: UInt8, Sendable, Hashable, CaseIterable {
  /// An integer as a line of text; `00` and `01` are booleans.
  case int = 0x49
  /// A signed 4-byte integer.
  case binInt = 0x4a
  /// An unsigned 1-byte integer.
  case binInt1 = 0x4b
  /// An unsigned 2-byte integer.
  case binInt2 = 0x4d
  /// An integer of any size as a line of text.
  case long = 0x4c
  /// A two's complement integer with a 1-byte length.
  case long1 = 0x8a
  /// A two's complement integer with a 4-byte length.
  case long4 = 0x8b
  /// A Python 2 string as a quoted line.
  case string = 0x53
  /// A Python 2 string with a 4-byte length.
  case binString = 0x54
  /// A Python 2 string with a 1-byte length.
  case shortBinString = 0x55
  /// Bytes with a 4-byte length.
  case binBytes = 0x42
  /// Bytes with a 1-byte length.
  case shortBinBytes = 0x43
  /// Bytes with an 8-byte length.
  case binBytes8 = 0x8e
  /// A byte array with an 8-byte length.
  case byteArray8 = 0x96
  /// The next out-of-band buffer.
  case nextBuffer = 0x97
  /// Makes the top, a buffer, read-only.
  case readOnlyBuffer = 0x98
  /// `None`.
  case none = 0x4e
  /// `True`.
  case newTrue = 0x88
  /// `False`.
  case newFalse = 0x89
  /// A string as a raw-unicode-escape line.
  case unicode = 0x56
  /// A string with a 1-byte length.
  case shortBinUnicode = 0x8c
  /// A string with a 4-byte length.
  case binUnicode = 0x58
  /// A string with an 8-byte length.
  case binUnicode8 = 0x8d
  /// A float as a line of text.
  case float = 0x46
  /// A float as 8 big-endian bytes.
  case binFloat = 0x47
  /// An empty list.
  case emptyList = 0x5d
  /// Appends one item to a list.
  case append = 0x61
  /// Appends everything down to the mark to a list.
  case appends = 0x65
  /// A list of everything down to the topmost mark.
  case list = 0x6c
  /// The empty tuple.
  case emptyTuple = 0x29
  /// A tuple of everything down to the topmost mark.
  case tuple = 0x74
  /// A tuple of the top item.
  case tuple1 = 0x85
  /// A tuple of the two top items.
  case tuple2 = 0x86
  /// A tuple of the three top items.
  case tuple3 = 0x87
  /// An empty dictionary.
  case emptyDict = 0x7d
  /// A dictionary of everything down to the topmost mark.
  case dict = 0x64
  /// Sets one key and value of a dictionary.
  case setItem = 0x73
  /// Sets the keys and values down to the mark in a dictionary.
  case setItems = 0x75
  /// An empty set.
  case emptySet = 0x8f
  /// Adds everything down to the mark to a set.
  case addItems = 0x90
  /// A frozen set of everything down to the mark.
  case frozenSet = 0x91
  /// Drops the top of the stack, or the topmost mark.
  case pop = 0x30
  /// Pushes the top of the stack once more.
  case dup = 0x32
  /// Marks a place on the stack.
  case mark = 0x28
  /// Drops everything down to the topmost mark.
  case popMark = 0x31
  /// Pushes a memo entry named by a line of text.
  case get = 0x67
  /// Pushes a memo entry named by one byte.
  case binGet = 0x68
  /// Pushes a memo entry named by 4 bytes.
  case longBinGet = 0x6a
  /// Stores the top in the memo entry named by a line of text.
  case put = 0x70
  /// Stores the top in the memo entry named by one byte.
  case binPut = 0x71
  /// Stores the top in the memo entry named by 4 bytes.
  case longBinPut = 0x72
  /// Stores the top in the next memo entry.
  case memoize = 0x94
  /// An object from the extension registry, 1-byte code.
  case ext1 = 0x82
  /// An object from the extension registry, 2-byte code.
  case ext2 = 0x83
  /// An object from the extension registry, 4-byte code.
  case ext4 = 0x84
  /// A global by two lines, module and name.
  case global = 0x63
  /// A global; its module and name are on the stack.
  case stackGlobal = 0x93
  /// Calls a callable with a tuple of arguments.
  case reduce = 0x52
  /// Gives an object its state.
  case build = 0x62
  /// Calls a global, named by two lines, with what is above the mark.
  case inst = 0x69
  /// Calls the first object above the mark with the others.
  case obj = 0x6f
  /// Makes an object by `cls.__new__(cls, *args)`.
  case newObj = 0x81
  /// Makes an object by `cls.__new__(cls, *args, **kwargs)`.
  case newObjEx = 0x92
  /// Tells the protocol.
  case proto = 0x80
  /// Ends the pickle; the top of the stack is its value.
  case stop = 0x2e
  /// Announces how many bytes follow in one frame.
  case frame = 0x95
  /// A persistent id as a line of text.
  case persID = 0x50
  /// Turns the top of the stack, an id, into what it stands for.
  case binPersID = 0x51
}
