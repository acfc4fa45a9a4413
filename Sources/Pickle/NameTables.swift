/// Python's own table of modules and names that changed from 2 to 3
/// (`_compat_pickle`), one entry a line: the old name, then the new one.
enum NameTables {
  /// Modules, both ways.
  static let modules = """
    __builtin__ builtins
    copy_reg copyreg
    Queue queue
    SocketServer socketserver
    ConfigParser configparser
    repr reprlib
    tkFileDialog tkinter.filedialog
    tkSimpleDialog tkinter.simpledialog
    tkColorChooser tkinter.colorchooser
    tkCommonDialog tkinter.commondialog
    Dialog tkinter.dialog
    Tkdnd tkinter.dnd
    tkFont tkinter.font
    tkMessageBox tkinter.messagebox
    ScrolledText tkinter.scrolledtext
    Tkconstants tkinter.constants
    Tix tkinter.tix
    ttk tkinter.ttk
    Tkinter tkinter
    markupbase _markupbase
    _winreg winreg
    thread _thread
    dummy_thread _dummy_thread
    dbhash dbm.bsd
    dumbdbm dbm.dumb
    dbm dbm.ndbm
    gdbm dbm.gnu
    xmlrpclib xmlrpc.client
    SimpleXMLRPCServer xmlrpc.server
    httplib http.client
    htmlentitydefs html.entities
    HTMLParser html.parser
    Cookie http.cookies
    cookielib http.cookiejar
    BaseHTTPServer http.server
    test.test_support test.support
    commands subprocess
    urlparse urllib.parse
    robotparser urllib.robotparser
    urllib2 urllib.request
    anydbm dbm
    _abcoll collections.abc
    """

  /// Modules, from 2 to 3 only.
  static let modulesTo3 = """
    cPickle pickle
    _elementtree xml.etree.ElementTree
    FileDialog tkinter.filedialog
    SimpleDialog tkinter.simpledialog
    DocXMLRPCServer xmlrpc.server
    SimpleHTTPServer http.server
    CGIHTTPServer http.server
    UserDict collections
    UserList collections
    UserString collections
    whichdb dbm
    StringIO io
    cStringIO io
    """

  /// Modules, from 3 to 2 only.
  static let modulesTo2 = """
    _bz2 bz2
    _dbm dbm
    _functools functools
    _gdbm gdbm
    _pickle pickle
    """

  /// Names: module and name, then module and name; both ways.
  static let names = """
    __builtin__ xrange builtins range
    __builtin__ reduce functools reduce
    __builtin__ intern sys intern
    __builtin__ unichr builtins chr
    __builtin__ unicode builtins str
    __builtin__ long builtins int
    itertools izip builtins zip
    itertools imap builtins map
    itertools ifilter builtins filter
    itertools ifilterfalse itertools filterfalse
    itertools izip_longest itertools zip_longest
    UserDict IterableUserDict collections UserDict
    UserList UserList collections UserList
    UserString UserString collections UserString
    whichdb whichdb dbm whichdb
    _socket fromfd socket fromfd
    _multiprocessing Connection multiprocessing.connection Connection
    multiprocessing.process Process multiprocessing.context Process
    multiprocessing.forking Popen multiprocessing.popen_fork Popen
    urllib ContentTooShortError urllib.error ContentTooShortError
    urllib getproxies urllib.request getproxies
    urllib pathname2url urllib.request pathname2url
    urllib quote_plus urllib.parse quote_plus
    urllib quote urllib.parse quote
    urllib unquote_plus urllib.parse unquote_plus
    urllib unquote urllib.parse unquote
    urllib url2pathname urllib.request url2pathname
    urllib urlcleanup urllib.request urlcleanup
    urllib urlencode urllib.parse urlencode
    urllib urlopen urllib.request urlopen
    urllib urlretrieve urllib.request urlretrieve
    urllib2 HTTPError urllib.error HTTPError
    urllib2 URLError urllib.error URLError
    multiprocessing AuthenticationError multiprocessing.context AuthenticationError
    multiprocessing BufferTooShort multiprocessing.context BufferTooShort
    multiprocessing ProcessError multiprocessing.context ProcessError
    multiprocessing TimeoutError multiprocessing.context TimeoutError
    """

  /// Names, from 2 to 3 only.
  static let namesTo3 = """
    __builtin__ basestring builtins str
    UserDict UserDict collections UserDict
    socket _socketobject socket SocketType
    exceptions StandardError builtins Exception
    """

  /// Names, from 3 to 2 only.
  static let namesTo2 = """
    _functools reduce __builtin__ reduce
    tkinter.filedialog FileDialog FileDialog FileDialog
    tkinter.filedialog LoadFileDialog FileDialog LoadFileDialog
    tkinter.filedialog SaveFileDialog FileDialog SaveFileDialog
    tkinter.simpledialog SimpleDialog SimpleDialog SimpleDialog
    xmlrpc.server ServerHTMLDoc DocXMLRPCServer ServerHTMLDoc
    xmlrpc.server XMLRPCDocGenerator DocXMLRPCServer XMLRPCDocGenerator
    xmlrpc.server DocXMLRPCRequestHandler DocXMLRPCServer DocXMLRPCRequestHandler
    xmlrpc.server DocXMLRPCServer DocXMLRPCServer DocXMLRPCServer
    xmlrpc.server DocCGIXMLRPCRequestHandler DocXMLRPCServer DocCGIXMLRPCRequestHandler
    http.server SimpleHTTPRequestHandler SimpleHTTPServer SimpleHTTPRequestHandler
    http.server CGIHTTPRequestHandler CGIHTTPServer CGIHTTPRequestHandler
    _socket socket socket _socketobject
    builtins BrokenPipeError exceptions OSError
    builtins ChildProcessError exceptions OSError
    builtins ConnectionAbortedError exceptions OSError
    builtins ConnectionError exceptions OSError
    builtins ConnectionRefusedError exceptions OSError
    builtins ConnectionResetError exceptions OSError
    builtins FileExistsError exceptions OSError
    builtins FileNotFoundError exceptions OSError
    builtins InterruptedError exceptions OSError
    builtins IsADirectoryError exceptions OSError
    builtins NotADirectoryError exceptions OSError
    builtins PermissionError exceptions OSError
    builtins ProcessLookupError exceptions OSError
    builtins TimeoutError exceptions OSError
    builtins ModuleNotFoundError exceptions ImportError
    """

  /// Exceptions, in `exceptions` and in `builtins`, both ways.
  static let exceptions = """
    ArithmeticError AssertionError AttributeError BaseException BufferError
    BytesWarning DeprecationWarning EOFError EnvironmentError Exception
    FloatingPointError FutureWarning GeneratorExit IOError ImportError
    ImportWarning IndentationError IndexError KeyError KeyboardInterrupt
    LookupError MemoryError NameError NotImplementedError OSError
    OverflowError PendingDeprecationWarning ReferenceError RuntimeError
    RuntimeWarning StopIteration SyntaxError SyntaxWarning SystemError
    SystemExit TabError TypeError UnboundLocalError UnicodeDecodeError
    UnicodeEncodeError UnicodeError UnicodeTranslateError UnicodeWarning
    UserWarning ValueError Warning ZeroDivisionError
    """
}
