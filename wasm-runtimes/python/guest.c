/* The Python guest: see ../ABI.md for what each export must do.
 *
 * bailiwick_init() runs once, when the snapshot is taken. Each run continues from there in a fresh instance, so everything
 * static in this file that init sets is there, and whatever must differ between runs is renewed by renew(). */

#ifndef Py_BUILD_CORE
#define Py_BUILD_CORE 1
#endif
#include "Python.h"
#include "pycore_ast.h"
#include "pycore_atexit.h"
#include "pycore_compile.h"
#include "pycore_gc.h"
#include "pycore_interp.h"
#include "pycore_moduleobject.h"
#include "pycore_parser.h"
#include "pycore_pyarena.h"
#include "pycore_pyhash.h"
#include "pycore_pylifecycle.h"
#include "pycore_pystate.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <wasi/api.h>

#include "init_py.h" /* init.py as `static const char init_py[]` */

#define EXPORT(name) __attribute__((export_name(#name)))

/* ---- the door ---- */

__attribute__((import_module("bailiwick"), import_name("door"))) extern int door(int op, const char *bytes, size_t len);

enum { DOOR_JSON = 1, DOOR_REPR = 2, DOOR_TYPE = 3, DOOR_MESSAGE = 4 };

/* The most that is handed through the door at once: a value or a message beyond it is cut, at a character's end. */
#define DOOR_MAX (1u << 20)

static void
tell(int op, const char *bytes, size_t len)
{
    if (len > DOOR_MAX) {
        len = DOOR_MAX;
        while (len > 0 && ((unsigned char)bytes[len] & 0xC0) == 0x80) {
            len--;
        }
    }
    door(op, bytes, len);
}

/* Tells a str, which may hold lone surrogates. Leaves no exception. */
static void
tell_text(int op, PyObject *text)
{
    Py_ssize_t len;
    const char *utf8 = PyUnicode_AsUTF8AndSize(text, &len);
    if (utf8 != NULL) {
        tell(op, utf8, len);
        return;
    }
    PyErr_Clear();
    PyObject *bytes = PyUnicode_AsEncodedString(text, "utf-8", "backslashreplace");
    if (bytes != NULL) {
        tell(op, PyBytes_AS_STRING(bytes), PyBytes_GET_SIZE(bytes));
        Py_DECREF(bytes);
    }
    PyErr_Clear();
}

/* ---- the last expression's value ---- */

struct json {
    char *data;
    size_t len, size;
};

/* Deeper values are shown by repr, as cyclic ones are. */
#define JSON_DEPTH 100

static int
put(struct json *out, const char *bytes, size_t len)
{
    if (len > DOOR_MAX - out->len) {
        return -1;
    }
    if (out->len + len > out->size) {
        size_t size = (out->len + len) * 2 + 64;
        char *data = realloc(out->data, size);
        if (data == NULL) {
            return -1;
        }
        out->data = data;
        out->size = size;
    }
    memcpy(out->data + out->len, bytes, len);
    out->len += len;
    return 0;
}

static int
put_string(struct json *out, PyObject *text)
{
    Py_ssize_t len;
    const char *s = PyUnicode_AsUTF8AndSize(text, &len);
    if (s == NULL || put(out, "\"", 1) < 0) {
        return -1;
    }
    const char *end = s + len, *plain = s;
    for (; s < end; s++) {
        unsigned char c = *s;
        if (c >= 0x20 && c != '"' && c != '\\') {
            continue;
        }
        char escape[7] = "\\";
        size_t n = 2;
        switch (c) {
        case '"': case '\\': escape[1] = c; break;
        case '\n': escape[1] = 'n'; break;
        case '\r': escape[1] = 'r'; break;
        case '\t': escape[1] = 't'; break;
        case '\b': escape[1] = 'b'; break;
        case '\f': escape[1] = 'f'; break;
        default:
            n = 6;
            memcpy(escape + 1, "u00", 3);
            escape[4] = "0123456789abcdef"[c >> 4];
            escape[5] = "0123456789abcdef"[c & 15];
        }
        if (put(out, plain, s - plain) < 0 || put(out, escape, n) < 0) {
            return -1;
        }
        plain = s + 1;
    }
    return put(out, plain, end - plain) < 0 ? -1 : put(out, "\"", 1);
}

/* Writes what json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(',', ':')) would, for plain values only.
 * -1: not plain, too deep, too long, or not to be had (an exception may be set). */
static int
put_json(struct json *out, PyObject *value, int depth)
{
    if (value == Py_None) {
        return put(out, "null", 4);
    }
    if (value == Py_True) {
        return put(out, "true", 4);
    }
    if (value == Py_False) {
        return put(out, "false", 5);
    }
    if (PyUnicode_CheckExact(value)) {
        return put_string(out, value);
    }
    if (PyLong_CheckExact(value)) {
        int overflow;
        long long number = PyLong_AsLongLongAndOverflow(value, &overflow);
        if (!overflow) {
            char digits[24], *p = digits + sizeof(digits);
            unsigned long long rest = number < 0 ? 0 - (unsigned long long)number : (unsigned long long)number;
            do {
                *--p = '0' + (char)(rest % 10);
                rest /= 10;
            } while (rest);
            if (number < 0) {
                *--p = '-';
            }
            return put(out, p, digits + sizeof(digits) - p);
        }
        PyObject *text = PyObject_Str(value);
        Py_ssize_t len;
        const char *utf8 = text == NULL ? NULL : PyUnicode_AsUTF8AndSize(text, &len);
        int result = utf8 == NULL ? -1 : put(out, utf8, len);
        Py_XDECREF(text);
        return result;
    }
    if (PyFloat_CheckExact(value)) {
        double number = PyFloat_AS_DOUBLE(value);
        if (number - number != 0) { /* infinite, or not a number */
            return -1;
        }
        char *text = PyOS_double_to_string(number, 'r', 0, Py_DTSF_ADD_DOT_0, NULL);
        int result = text == NULL ? -1 : put(out, text, strlen(text));
        PyMem_Free(text);
        return result;
    }
    if (depth >= JSON_DEPTH) {
        return -1;
    }
    if (PyList_CheckExact(value) || PyTuple_CheckExact(value)) {
        /* Nothing below runs code of the user's, so the list cannot change meanwhile. */
        Py_ssize_t n = PySequence_Fast_GET_SIZE(value);
        PyObject **items = PySequence_Fast_ITEMS(value);
        if (put(out, "[", 1) < 0) {
            return -1;
        }
        for (Py_ssize_t i = 0; i < n; i++) {
            if ((i > 0 && put(out, ",", 1) < 0) || put_json(out, items[i], depth + 1) < 0) {
                return -1;
            }
        }
        return put(out, "]", 1);
    }
    if (PyDict_CheckExact(value)) {
        PyObject *key, *item;
        Py_ssize_t position = 0;
        int first = 1;
        if (put(out, "{", 1) < 0) {
            return -1;
        }
        while (PyDict_Next(value, &position, &key, &item)) {
            if (!PyUnicode_CheckExact(key) || (!first && put(out, ",", 1) < 0) || put_string(out, key) < 0 ||
                put(out, ":", 1) < 0 || put_json(out, item, depth + 1) < 0) {
                return -1;
            }
            first = 0;
        }
        return put(out, "}", 1);
    }
    return -1;
}

/* Never fails and leaves no exception, whatever the value's own methods do. */
static void
report(PyObject *value)
{
    struct json out = {0};
    if (put_json(&out, value, 0) == 0) {
        tell(DOOR_JSON, out.data, out.len);
        free(out.data);
        return;
    }
    free(out.data);
    PyErr_Clear();
    PyObject *text = PyObject_Repr(value);
    if (text == NULL) {
        PyErr_Clear();
        text = PyUnicode_FromFormat("<unprintable %T object>", value);
    }
    if (text != NULL) {
        tell_text(DOOR_REPR, text);
        Py_DECREF(text);
    }
    PyErr_Clear();
}

/* ---- what init leaves for the runs ---- */

static PyObject *main_module, *main_dict;
static PyObject *first_stdout, *first_stderr;        /* as the interpreter made them */
static PyObject *linecache_requests, *linecache_cache; /* dicts of Lib/linecache.py */
static PyObject *logging_dict, *logging_handlers;
static Py_ssize_t logging_handlers_before;
static PyObject *os_environ;
static PyTypeObject *text_type, *writer_type, *random_type;

extern int bailiwick_baking;          /* Python/pyhash.c */
extern uint32_t bailiwick_hash_key[]; /* Python/pyhash.c */

/* The same sources must make the same snapshot, so while it is made there is no entropy and time stands still. These two
 * stand in for wasi-libc's own. */
int
getentropy(void *buffer, size_t len)
{
    if (bailiwick_baking) {
        memset(buffer, 0x5A, len);
        return 0;
    }
    return __wasi_random_get(buffer, len) == 0 ? 0 : -1;
}

int
clock_gettime(clockid_t clock, struct timespec *now)
{
    __wasi_timestamp_t time = 1735689600ull * 1000000000u;
    if (!bailiwick_baking) {
        __wasi_errno_t error =
            __wasi_clock_time_get(clock == CLOCK_REALTIME ? __WASI_CLOCKID_REALTIME : __WASI_CLOCKID_MONOTONIC, 1, &time);
        if (error != 0) {
            errno = error;
            return -1;
        }
    }
    now->tv_sec = (time_t)(time / 1000000000u);
    now->tv_nsec = (long)(time % 1000000000u);
    return 0;
}

/* wasi-libc's clock() counts from the process's start, which it notes in a constructor: here, from the first request. */
static uint64_t clock_start;

static uint64_t
monotonic(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

clock_t
__clock(void)
{
    return (clock_t)(monotonic() - clock_start);
}

clock_t
clock(void)
{
    return __clock();
}

/* ---- requests ---- */

enum { FLAG_FIRST = 1, FLAG_VALUE = 2, FLAG_LAST = 8 };

struct text {
    const char *data;
    uint32_t len;
};

struct reader {
    const unsigned char *at, *end;
    int bad;
};

static uint32_t
take_u32(struct reader *r)
{
    if (r->end - r->at < 4) {
        r->bad = 1;
        return 0;
    }
    uint32_t value;
    memcpy(&value, r->at, 4);
    r->at += 4;
    return value;
}

static struct text
take_text(struct reader *r)
{
    struct text text = {"", take_u32(r)};
    if (r->bad || (size_t)(r->end - r->at) < text.len) {
        r->bad = 1;
        text.len = 0;
        return text;
    }
    text.data = (const char *)r->at;
    r->at += text.len;
    return text;
}

static PyObject *
decode(struct text text)
{
    return PyUnicode_DecodeUTF8(text.data, text.len, "surrogateescape");
}

/* Makes this instance differ from every other one that came from the same snapshot. */
static void
renew(void)
{
    uint32_t secret[4];
    /* First: while baking, there is no entropy. */
    bailiwick_baking = 0;
    getentropy(secret, sizeof(secret));
    bailiwick_hash_key[0] = secret[0];
    bailiwick_hash_key[1] = secret[1];
    memcpy(&_Py_HashSecret.expat.hashsalt, secret + 2, sizeof(_Py_HashSecret.expat.hashsalt));
    clock_start = monotonic();
    if (logging_dict != NULL) {
        struct timespec now;
        clock_gettime(CLOCK_REALTIME, &now);
        PyObject *start = PyLong_FromLongLong((long long)now.tv_sec * 1000000000 + now.tv_nsec);
        if (start != NULL) {
            PyDict_SetItemString(logging_dict, "_startTime", start);
            Py_DECREF(start);
        }
    }
    PyErr_Clear();
}

static int
set_argv(struct reader *r, PyObject *filename)
{
    uint32_t count = take_u32(r);
    PyObject *argv = PyList_New(0);
    if (argv == NULL) {
        return -1;
    }
    int result = count == 0 ? PyList_Append(argv, filename) : 0;
    while (count-- > 0 && !r->bad && result == 0) {
        PyObject *arg = decode(take_text(r));
        result = arg == NULL ? -1 : PyList_Append(argv, arg);
        Py_XDECREF(arg);
    }
    if (result == 0) {
        result = PySys_SetObject("argv", argv);
    }
    Py_DECREF(argv);
    return result;
}

static int
set_environment(struct reader *r)
{
    uint32_t count = take_u32(r);
    while (count-- > 0 && !r->bad) {
        struct text pair = take_text(r);
        const char *equals = memchr(pair.data, '=', pair.len);
        if (equals == NULL || equals == pair.data) {
            continue;
        }
        uint32_t key_len = (uint32_t)(equals - pair.data);
        PyObject *key = decode((struct text){pair.data, key_len});
        PyObject *value = decode((struct text){equals + 1, pair.len - key_len - 1});
        /* os.environ passes it on to the C library's environment. */
        int result = key == NULL || value == NULL ? -1 : PyObject_SetItem(os_environ, key, value);
        Py_XDECREF(key);
        Py_XDECREF(value);
        if (result < 0) {
            return -1;
        }
    }
    return 0;
}

/* ---- compiling and running ---- */

/* A syntax error that only the compiler finds has no source line, since the code is in no file. */
static void
add_source_line(PyObject *source, PyObject *filename)
{
    PyObject *error = PyErr_GetRaisedException();
    if (error != NULL && PyErr_GivenExceptionMatches(error, PyExc_SyntaxError)) {
        PySyntaxErrorObject *e = (PySyntaxErrorObject *)error;
        long line = e->lineno != NULL && PyLong_Check(e->lineno) ? PyLong_AsLong(e->lineno) : 0;
        if ((e->text == NULL || e->text == Py_None) && line > 0 && e->filename != NULL && PyUnicode_Check(e->filename) &&
            PyUnicode_Compare(e->filename, filename) == 0) {
            const char *start = PyBytes_AS_STRING(source), *end = start + PyBytes_GET_SIZE(source), *stop;
            while (--line > 0 && start != NULL) {
                start = memchr(start, '\n', end - start);
                start = start == NULL ? NULL : start + 1;
            }
            if (start != NULL) {
                stop = memchr(start, '\n', end - start);
                PyObject *text = PyUnicode_DecodeUTF8(start, (stop == NULL ? end : stop + 1) - start, "replace");
                if (text != NULL) {
                    Py_XSETREF(e->text, text);
                }
            }
        }
        PyErr_Clear();
    }
    if (error != NULL) {
        PyErr_SetRaisedException(error);
    }
}

/* Runs the code in __main__. *value is the last expression's value, if it is wanted and there is one. -1: an exception. */
static int
run_code(PyObject *source, PyObject *filename, int want_value, PyObject **value)
{
    *value = NULL;
    if (strlen(PyBytes_AS_STRING(source)) != (size_t)PyBytes_GET_SIZE(source)) {
        PyErr_SetString(PyExc_SyntaxError, "source code string cannot contain null bytes");
        return -1;
    }
    PyArena *arena = _PyArena_New();
    if (arena == NULL) {
        return -1;
    }
    PyCompilerFlags flags = _PyCompilerFlags_INIT;
    flags.cf_flags = PyCF_SOURCE_IS_UTF8 | PyCF_IGNORE_COOKIE;
    PyCodeObject *body = NULL, *last = NULL;
    mod_ty module = _PyParser_ASTFromString(PyBytes_AS_STRING(source), filename, Py_file_input, &flags, arena);
    if (module != NULL) {
        asdl_stmt_seq *statements = module->v.Module.body;
        Py_ssize_t count = asdl_seq_LEN(statements);
        expr_ty expression = NULL;
        if (want_value && count > 0) {
            stmt_ty statement = asdl_seq_GET(statements, count - 1);
            if (statement->kind == Expr_kind) {
                expression = statement->v.Expr.value;
                statements->size = --count;
            }
        }
        /* Both are compiled before either runs: a syntax error anywhere means that nothing happens. */
        int future = 0;
        if (count > 0 || expression == NULL) {
            body = _PyAST_Compile(module, filename, &flags, -1, arena);
            future = body == NULL ? 0 : body->co_flags & PyCF_MASK;
        }
        if (expression != NULL && (count == 0 || body != NULL)) {
            PyCompilerFlags last_flags = flags;
            last_flags.cf_flags |= future;
            mod_ty tail = _PyAST_Expression(expression, arena);
            last = tail == NULL ? NULL : _PyAST_Compile(tail, filename, &last_flags, -1, arena);
        }
        if (PyErr_Occurred()) {
            add_source_line(source, filename);
        }
    }
    _PyArena_Free(arena);
    if (!PyErr_Occurred() && body != NULL) {
        PyObject *none = PyEval_EvalCode((PyObject *)body, main_dict, main_dict);
        Py_XDECREF(none);
    }
    if (!PyErr_Occurred() && last != NULL) {
        *value = PyEval_EvalCode((PyObject *)last, main_dict, main_dict);
    }
    Py_XDECREF(body);
    Py_XDECREF(last);
    return PyErr_Occurred() ? -1 : 0;
}

static void
tell_exception(PyObject *error)
{
    PyObject *type = (PyObject *)Py_TYPE(error);
    PyObject *name = PyType_GetQualName(Py_TYPE(error));
    PyObject *module = PyObject_GetAttrString(type, "__module__");
    if (name != NULL && module != NULL && PyUnicode_Check(module) && !_PyUnicode_EqualToASCIIString(module, "builtins") &&
        !_PyUnicode_EqualToASCIIString(module, "__main__")) {
        Py_SETREF(name, PyUnicode_FromFormat("%U.%U", module, name));
    }
    Py_XDECREF(module);
    PyErr_Clear();
    if (name != NULL) {
        tell_text(DOOR_TYPE, name);
        Py_DECREF(name);
    }
    PyObject *message = PyObject_Str(error);
    PyErr_Clear();
    if (message != NULL) {
        tell_text(DOOR_MESSAGE, message);
        Py_DECREF(message);
    }
    else {
        tell(DOOR_MESSAGE, "", 0);
    }
    PyErr_Clear();
}

/* Shows the current exception as the interpreter would on its way out. Returns the exit code. */
static int
finish_exception(void)
{
    int code = 1;
    if (PyErr_ExceptionMatches(PyExc_SystemExit)) {
        if (_Py_HandleSystemExit(&code)) {
            return code & 0xFF;
        }
    }
    PyObject *error = PyErr_GetRaisedException();
    if (error == NULL) {
        return 1;
    }
    code = PyErr_GivenExceptionMatches(error, PyExc_KeyboardInterrupt) ? 130 : 1;
    PyErr_SetRaisedException(Py_NewRef(error));
    PyErr_PrintEx(0);
    PyErr_Clear();
    tell_exception(error);
    Py_DECREF(error);
    return code;
}

/* ---- the end of a run ---- */

/* Flushes one stream. A stream that is gone or closed is nobody's failure, as in CPython. */
static int
flush(PyObject *file)
{
    if (file == NULL || file == Py_None) {
        return 0;
    }
    PyObject *closed = PyObject_GetAttrString(file, "closed");
    int is_closed = closed == NULL ? 0 : PyObject_IsTrue(closed);
    Py_XDECREF(closed);
    PyErr_Clear();
    if (is_closed > 0) {
        return 0;
    }
    PyObject *result = PyObject_CallMethod(file, "flush", NULL);
    Py_XDECREF(result);
    return result == NULL ? -1 : 0;
}

static int
is_writer(PyObject *object)
{
    PyTypeObject *type = Py_TYPE(object);
    return PyType_IsSubtype(type, text_type) || PyType_IsSubtype(type, writer_type) || PyType_IsSubtype(type, random_type);
}

/* CPython flushes files that were left open when it deletes them on its way out. An instance is dropped, or goes on, so what
 * is buffered is written here. The snapshot's own objects are frozen, in no generation, and cost nothing. */
static void
flush_open_files(void)
{
    struct _gc_runtime_state *gc = &_PyInterpreterState_GET()->gc;
    PyObject *files = NULL;
    for (int i = 0; i < NUM_GENERATIONS; i++) {
        PyGC_Head *head = &gc->generations[i].head;
        for (PyGC_Head *at = (PyGC_Head *)(head->_gc_next); at != head; at = (PyGC_Head *)(at->_gc_next)) {
            PyObject *object = (PyObject *)(at + 1);
            if (Py_TYPE(object)->tp_flags & Py_TPFLAGS_HEAPTYPE && is_writer(object)) {
                /* The list is tracked too, but the collector is off: the walk sees at most one object more. */
                if (files == NULL) {
                    files = PyList_New(0);
                    if (files == NULL) {
                        PyErr_Clear();
                        return;
                    }
                }
                if (PyList_Append(files, object) < 0) {
                    PyErr_Clear();
                }
            }
        }
    }
    if (files == NULL) {
        return;
    }
    /* Text streams first: what they hold goes to the writers beneath. */
    for (int text = 1; text >= 0; text--) {
        for (Py_ssize_t i = 0; i < PyList_GET_SIZE(files); i++) {
            PyObject *file = PyList_GET_ITEM(files, i);
            if (PyObject_TypeCheck(file, text_type) == text && flush(file) < 0) {
                PyErr_Clear();
            }
        }
    }
    Py_DECREF(files);
}

/* Everything that CPython does between the last line of a program and its exit, as far as a run needs it. */
static int
finish(int code, int last)
{
    _PyAtExit_Call(_PyInterpreterState_GET());
    PyErr_Clear();
    if (logging_handlers != NULL && PyList_CheckExact(logging_handlers) &&
        PyList_GET_SIZE(logging_handlers) > logging_handlers_before) {
        /* logging.shutdown() would close the handlers, which a later request may want to use. */
        PyObject *locals = PyDict_New();
        PyObject *result = PyRun_String(
            "for _ in _handlerList[::-1]:\n"
            "    try: _().flush()\n"
            "    except Exception: pass\n",
            Py_file_input, logging_dict, locals);
        Py_XDECREF(result);
        Py_XDECREF(locals);
        PyErr_Clear();
    }
    if (last) {
        _PyModule_Clear(main_module);
        PyErr_Clear();
        PyGC_Collect();
    }
    int collecting = PyGC_Disable();
    flush_open_files();
    if (collecting) {
        PyGC_Enable();
    }
    int failed = 0;
    PyObject *out = PySys_GetObject("stdout"), *err = PySys_GetObject("stderr");
    if (flush(out) < 0) {
        PyErr_FormatUnraisable("Exception ignored on flushing sys.stdout");
        failed = 1;
    }
    if (out != first_stdout && flush(first_stdout) < 0) {
        PyErr_Clear();
        failed = 1;
    }
    if (flush(err) < 0) {
        PyErr_Clear();
        failed = 1;
    }
    if (err != first_stderr && flush(first_stderr) < 0) {
        PyErr_Clear();
        failed = 1;
    }
    return failed ? 120 : code;
}

/* ---- exports ---- */

EXPORT(bailiwick_alloc) void *
bailiwick_alloc(size_t len)
{
    return malloc(len == 0 ? 1 : len);
}

static int
run_request(struct reader *r)
{
    if (take_u32(r) != 1) {
        r->bad = 1;
    }
    uint32_t flags = take_u32(r);
    struct text code = take_text(r), name = take_text(r);
    if (r->bad) {
        return -1;
    }
    if (flags & FLAG_FIRST) {
        renew();
    }
    if (code.len >= 3 && memcmp(code.data, "\xEF\xBB\xBF", 3) == 0) {
        code.data += 3;
        code.len -= 3;
    }
    PyObject *source = PyBytes_FromStringAndSize(code.data, code.len);
    PyObject *filename = decode(name);
    PyObject *value = NULL;
    int result = -1;
    if (source != NULL && filename != NULL && set_argv(r, filename) == 0 && set_environment(r) == 0 && !r->bad &&
        PyDict_SetItem(linecache_requests, filename, source) == 0 &&
        PyDict_Pop(linecache_cache, filename, NULL) >= 0 &&
        (name.len > 0 && name.data[0] == '<' ? 0 : PyDict_SetItemString(main_dict, "__file__", filename)) == 0) {
        result = run_code(source, filename, flags & FLAG_VALUE, &value);
    }
    if (r->bad) {
        PyErr_Clear();
        Py_XDECREF(source);
        Py_XDECREF(filename);
        return -1;
    }
    int exit_code = 0;
    if (result < 0) {
        exit_code = finish_exception();
    }
    else if (value != NULL) {
        report(value);
        Py_CLEAR(value);
    }
    Py_XDECREF(source);
    Py_XDECREF(filename);
    return finish(exit_code, flags & FLAG_LAST);
}

EXPORT(bailiwick_run) int
bailiwick_run(unsigned char *request, size_t len)
{
    struct reader r = {request, request + len, 0};
    int code = run_request(&r);
    free(request);
    if (code < 0) {
        static const char message[] = "bailiwick: the request is malformed\n";
        write(2, message, sizeof(message) - 1);
        return 125;
    }
    return code & 0xFF;
}

static int salvage_fd;

static void
salvage_write(const char *bytes, Py_ssize_t len)
{
    while (len > 0) {
        ssize_t n = write(salvage_fd, bytes, len);
        if (n <= 0) {
            return;
        }
        bytes += n;
        len -= n;
    }
}

extern void bailiwick_text_pending(PyObject *file, void (*emit)(const char *, Py_ssize_t)); /* Modules/_io/textio.c */

EXPORT(bailiwick_salvage) void
bailiwick_salvage(void)
{
    salvage_fd = 1;
    bailiwick_text_pending(first_stdout, salvage_write);
    salvage_fd = 2;
    bailiwick_text_pending(first_stderr, salvage_write);
}

/* ---- the snapshot ---- */

static _Noreturn void
die(const char *what)
{
    static const char prefix[] = "bailiwick_init: ";
    if (PyErr_Occurred()) {
        PyErr_PrintEx(0);
    }
    write(2, prefix, sizeof(prefix) - 1);
    write(2, what, strlen(what));
    write(2, "\n", 1);
    __builtin_trap();
}

static void
start_interpreter(void)
{
    PyPreConfig pre;
    PyPreConfig_InitIsolatedConfig(&pre);
    pre.utf8_mode = 1;
    if (PyStatus_Exception(Py_PreInitialize(&pre))) {
        die("Py_PreInitialize");
    }
    PyConfig config;
    PyConfig_InitIsolatedConfig(&config);
    config.site_import = 0;
    config.write_bytecode = 0; /* the workspace is the user's; no __pycache__ there */
    config.install_signal_handlers = 0;
    config.pathconfig_warnings = 0;
    config.parse_argv = 0;
    /* A fixed secret for the snapshot's strings; renew() sees to the others. */
    config.use_hash_seed = 1;
    config.hash_seed = 20250101;
    config.module_search_paths_set = 1;
    static const struct {
        size_t offset;
        const wchar_t *value;
    } strings[] = {
        {offsetof(PyConfig, executable), L"/usr/bin/python3"},
        {offsetof(PyConfig, base_executable), L"/usr/bin/python3"},
        {offsetof(PyConfig, program_name), L"/usr/bin/python3"},
        {offsetof(PyConfig, home), L"/usr"},
        {offsetof(PyConfig, prefix), L"/usr"},
        {offsetof(PyConfig, base_prefix), L"/usr"},
        {offsetof(PyConfig, exec_prefix), L"/usr"},
        {offsetof(PyConfig, base_exec_prefix), L"/usr"},
        {offsetof(PyConfig, stdlib_dir), L"/usr/lib/python3.13"},
        {offsetof(PyConfig, platlibdir), L"lib"},
    };
    for (size_t i = 0; i < sizeof(strings) / sizeof(*strings); i++) {
        wchar_t **field = (wchar_t **)((char *)&config + strings[i].offset);
        if (PyStatus_Exception(PyConfig_SetString(&config, field, strings[i].value))) {
            die("PyConfig_SetString");
        }
    }
    /* init.py puts /workspace before it. */
    if (PyStatus_Exception(PyWideStringList_Append(&config.module_search_paths, L"/usr/lib/python3.13"))) {
        die("PyWideStringList_Append");
    }
    PyStatus status = Py_InitializeFromConfig(&config);
    if (PyStatus_Exception(status)) {
        die(status.err_msg == NULL ? "Py_InitializeFromConfig" : status.err_msg);
    }
    PyConfig_Clear(&config);
}

static PyObject *
attribute(const char *module_name, const char *name)
{
    PyObject *module = PyImport_ImportModule(module_name);
    PyObject *value = module == NULL ? NULL : PyObject_GetAttrString(module, name);
    if (value == NULL) {
        die(name);
    }
    Py_DECREF(module);
    return value;
}

/* A small request, so that whatever a run needs the first time is there: with its value, its output and its traceback. */
static void
rehearse(void)
{
    static const char *const codes[] = {"import sys\nprint('', end='')\n1 + 1\n", "{'a': [1, 2.5, 'x', None]}", "x = 1"};
    for (size_t i = 0; i < sizeof(codes) / sizeof(*codes); i++) {
        PyObject *source = PyBytes_FromString(codes[i]), *filename = PyUnicode_FromString("<string>"), *value;
        if (source == NULL || filename == NULL || PyDict_SetItem(linecache_requests, filename, source) < 0 ||
            run_code(source, filename, 1, &value) < 0) {
            die("rehearsal");
        }
        if (value != NULL) {
            struct json out = {0};
            put_json(&out, value, 0);
            free(out.data);
            Py_DECREF(value);
        }
        Py_DECREF(source);
        Py_DECREF(filename);
        finish(0, 0);
    }
}

/* The stack below this frame is full of what init left there; the snapshot is smaller, and the same every time, without. */
static __attribute__((noinline)) void
wipe_stack(void)
{
    extern unsigned char __global_base;
    volatile unsigned char here;
    uintptr_t from = 1024, to = (uintptr_t)&here - 512;
    /* Only if the stack does lie first in memory. */
    if ((uintptr_t)&here < (uintptr_t)&__global_base) {
        memset((void *)from, 0, to - from);
    }
}

EXPORT(bailiwick_init) void
bailiwick_init(void)
{
    if (chdir("/workspace") != 0) {
        die("chdir /workspace");
    }
    start_interpreter();
    main_module = PyImport_AddModuleRef("__main__");
    if (main_module == NULL) {
        die("__main__");
    }
    main_dict = PyModule_GetDict(main_module);
    first_stdout = Py_XNewRef(PySys_GetObject("stdout"));
    first_stderr = Py_XNewRef(PySys_GetObject("stderr"));
    text_type = (PyTypeObject *)attribute("io", "TextIOWrapper");
    writer_type = (PyTypeObject *)attribute("io", "BufferedWriter");
    random_type = (PyTypeObject *)attribute("io", "BufferedRandom");
    if (first_stdout == NULL || first_stderr == NULL || !Py_IS_TYPE(first_stdout, text_type) ||
        !Py_IS_TYPE(first_stderr, text_type)) {
        die("no standard streams");
    }

    PyObject *namespace = PyDict_New();
    PyObject *code = Py_CompileString(init_py, "<init>", Py_file_input);
    if (namespace == NULL || code == NULL || PyDict_SetItemString(namespace, "__builtins__", PyEval_GetBuiltins()) < 0 ||
        PyEval_EvalCode(code, namespace, namespace) == NULL) {
        die("init.py");
    }
    Py_DECREF(code);
    Py_DECREF(namespace);

    linecache_requests = attribute("linecache", "_requests");
    linecache_cache = attribute("linecache", "cache");
    os_environ = attribute("os", "environ");
    PyObject *logging = PyImport_ImportModule("logging");
    logging_dict = logging == NULL ? NULL : PyModule_GetDict(logging);
    logging_handlers = attribute("logging", "_handlerList");
    logging_handlers_before = PyList_GET_SIZE(logging_handlers);

    /* What belongs to a fresh __main__, and nothing else, is kept. */
    PyObject *pristine = PyDict_Copy(main_dict);
    rehearse();
    PyDict_Clear(main_dict);
    if (pristine == NULL || PyDict_Update(main_dict, pristine) < 0) {
        die("__main__");
    }
    Py_DECREF(pristine);
    PyDict_Clear(linecache_requests);
    PyDict_Clear(linecache_cache);
    PyErr_Clear();

    PyGC_Collect();
    PyObject *frozen = PyObject_CallNoArgs(attribute("gc", "freeze"));
    if (frozen == NULL) {
        die("gc.freeze");
    }
    wipe_stack();
}
