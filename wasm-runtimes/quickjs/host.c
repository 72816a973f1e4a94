/* The native functions that the prelude gets (as its parameter, never as a global): bytes and
   files, clocks and randomness, and a look at what JavaScript cannot see of its own values. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <stdio.h>
#include "guest.h"

/* One read(2) at a time; a file of any size is met by growing. */
#define READ_STEP 65536

int guest_write(int fd, const char *buf, size_t len)
{
    while (len) {
        ssize_t n = write(fd, buf, len);
        if (n < 0) {
            if (errno == EINTR || errno == EAGAIN)
                continue;
            return -errno;
        }
        buf += n;
        len -= (size_t)n;
    }
    return 0;
}

void guest_make_utf8(char *buf, size_t len)
{
    size_t i;
    for (i = 0; i + 2 < len; i++) {
        if ((uint8_t)buf[i] == 0xED && (uint8_t)buf[i + 1] >= 0xA0) {
            memcpy(buf + i, "\xEF\xBF\xBD", 3);
            i += 2;
        }
    }
}

static void *resize_buffer(JSRuntime *rt, void *opaque, void *ptr, size_t size)
{
    if (size)
        return js_realloc_rt(rt, ptr, size);
    js_free_rt(rt, ptr);
    return NULL;
}

/* write(fd, string | Uint8Array) -> 0 or -errno */
static JSValue h_write(JSContext *ctx, JSValueConst this_val, int argc, JSValueConst *argv)
{
    int32_t fd;
    size_t len;
    int r;
    if (JS_ToInt32(ctx, &fd, argv[0]))
        return JS_EXCEPTION;
    if (JS_IsString(argv[1])) {
        const char *s = JS_ToCStringLen(ctx, &len, argv[1]);
        if (!s)
            return JS_EXCEPTION;
        /* the string's own bytes may be shared with an atom, but only when they are ASCII */
        guest_make_utf8((char *)s, len);
        r = guest_write(fd, s, len);
        JS_FreeCString(ctx, s);
    } else {
        uint8_t *p = JS_GetUint8Array(ctx, &len, argv[1]);
        if (!p)
            return JS_EXCEPTION;
        r = guest_write(fd, (const char *)p, len);
    }
    return JS_NewInt32(ctx, r);
}

/* encode(string) -> Uint8Array of UTF-8 */
static JSValue h_encode(JSContext *ctx, JSValueConst this_val, int argc, JSValueConst *argv)
{
    size_t len;
    const char *s = JS_ToCStringLen(ctx, &len, argv[0]);
    JSValue r;
    uint8_t *p;
    if (!s)
        return JS_EXCEPTION;
    r = JS_NewUint8ArrayCopy(ctx, (const uint8_t *)s, len);
    JS_FreeCString(ctx, s);
    if (!JS_IsException(r) && (p = JS_GetUint8Array(ctx, &len, r)))
        guest_make_utf8((char *)p, len);
    return r;
}

/* decode(Uint8Array, fatal) -> string; as the Encoding Standard decodes UTF-8, without looking for
   a byte order mark. Null: an error, and `fatal`. */
static JSValue h_decode(JSContext *ctx, JSValueConst this_val, int argc, JSValueConst *argv)
{
    size_t len, i = 0, n = 0;
    const uint8_t *p = JS_GetUint8Array(ctx, &len, argv[0]);
    bool fatal = argc > 1 && JS_ToBool(ctx, argv[1]);
    uint16_t *out;
    JSValue r;

    if (!p)
        return JS_EXCEPTION;
    while (i < len && p[i] < 0x80)
        i++;
    if (i == len)
        return JS_NewStringLen(ctx, (const char *)p, len);
    out = js_malloc(ctx, len * sizeof *out);
    if (!out)
        return JS_EXCEPTION;
    for (i = 0; i < len;) {
        uint8_t b = p[i++], lo = 0x80, hi = 0xBF;
        uint32_t c;
        int need;
        if (b < 0x80) {
            out[n++] = b;
            continue;
        }
        if (b >= 0xC2 && b <= 0xDF) {
            need = 1;
            c = b & 0x1F;
        } else if (b >= 0xE0 && b <= 0xEF) {
            need = 2;
            c = b & 0xF;
            if (b == 0xE0)
                lo = 0xA0;
            if (b == 0xED)
                hi = 0x9F;
        } else if (b >= 0xF0 && b <= 0xF4) {
            need = 3;
            c = b & 7;
            if (b == 0xF0)
                lo = 0x90;
            if (b == 0xF4)
                hi = 0x8F;
        } else {
            goto bad;
        }
        for (; need; need--) {
            if (i == len || p[i] < lo || p[i] > hi)
                goto bad;
            c = c << 6 | (p[i++] & 0x3F);
            lo = 0x80;
            hi = 0xBF;
        }
        if (c >= 0x10000) {
            out[n++] = (uint16_t)(0xD7C0 + (c >> 10));
            out[n++] = (uint16_t)(0xDC00 + (c & 0x3FF));
        } else {
            out[n++] = (uint16_t)c;
        }
        continue;
    bad:
        if (fatal) {
            js_free(ctx, out);
            return JS_NULL;
        }
        out[n++] = 0xFFFD;
    }
    r = JS_NewStringUTF16(ctx, out, n);
    js_free(ctx, out);
    return r;
}

/* latin1(Uint8Array) -> string, one character a byte */
static JSValue h_latin1(JSContext *ctx, JSValueConst this_val, int argc, JSValueConst *argv)
{
    size_t len, i;
    const uint8_t *p = JS_GetUint8Array(ctx, &len, argv[0]);
    uint16_t *out;
    JSValue r;
    if (!p)
        return JS_EXCEPTION;
    out = js_malloc(ctx, len * 2 + 1);
    if (!out)
        return JS_EXCEPTION;
    for (i = 0; i < len; i++)
        out[i] = p[i];
    r = JS_NewStringUTF16(ctx, out, len);
    js_free(ctx, out);
    return r;
}

static JSValue read_all(JSContext *ctx, int fd, size_t max)
{
    uint8_t *buf = NULL, *q;
    size_t len = 0, cap = 0;
    for (;;) {
        ssize_t n;
        if (cap - len < READ_STEP) {
            cap = cap ? cap * 2 : READ_STEP;
            q = js_realloc(ctx, buf, cap);
            if (!q) {
                js_free(ctx, buf);
                return JS_EXCEPTION;
            }
            buf = q;
        }
        n = read(fd, buf + len, max - len < READ_STEP ? max - len : cap - len < READ_STEP * 16 ? cap - len : READ_STEP * 16);
        if (n < 0) {
            int e = errno;
            if (e == EINTR)
                continue;
            js_free(ctx, buf);
            return JS_NewInt32(ctx, -e);
        }
        len += (size_t)n;
        if (n == 0 || len >= max)
            break;
    }
    q = js_realloc(ctx, buf, len ? len : 1);
    return JS_NewUint8Array(ctx, q ? q : buf, len, resize_buffer, NULL, false);
}

/* readFd(fd, max) -> Uint8Array or -errno; reads to the end, or one read when max is given */
static JSValue h_read_fd(JSContext *ctx, JSValueConst this_val, int argc, JSValueConst *argv)
{
    int32_t fd;
    if (JS_ToInt32(ctx, &fd, argv[0]))
        return JS_EXCEPTION;
    if (argc > 1 && !JS_IsUndefined(argv[1])) {
        int64_t max;
        ssize_t n;
        uint8_t *buf;
        if (JS_ToInt64(ctx, &max, argv[1]))
            return JS_EXCEPTION;
        if (max < 0 || max > 1 << 20)
            max = 1 << 20;
        buf = js_malloc(ctx, (size_t)max + 1);
        if (!buf)
            return JS_EXCEPTION;
        n = read(fd, buf, (size_t)max);
        if (n < 0) {
            js_free(ctx, buf);
            return JS_NewInt32(ctx, -errno);
        }
        return JS_NewUint8Array(ctx, buf, (size_t)n, resize_buffer, NULL, false);
    }
    return read_all(ctx, fd, SIZE_MAX);
}

enum { OP_READ, OP_STAT, OP_LSTAT, OP_READDIR, OP_UNLINK, OP_RMDIR, OP_MKDIR, OP_READLINK };

static JSValue stat_array(JSContext *ctx, const struct stat *st)
{
    double v[] = {
        st->st_mode, (double)st->st_size,
        (double)st->st_mtim.tv_sec * 1e3 + (double)st->st_mtim.tv_nsec / 1e6,
        (double)st->st_atim.tv_sec * 1e3 + (double)st->st_atim.tv_nsec / 1e6,
        (double)st->st_ctim.tv_sec * 1e3 + (double)st->st_ctim.tv_nsec / 1e6,
        (double)st->st_ino, (double)st->st_nlink, (double)st->st_dev,
    };
    JSValue a = JS_NewArray(ctx);
    uint32_t i;
    for (i = 0; i < sizeof v / sizeof *v; i++)
        JS_SetPropertyUint32(ctx, a, i, JS_NewFloat64(ctx, v[i]));
    return a;
}

/* op(path) -> what it finds, 0, or -errno */
static JSValue h_path_op(JSContext *ctx, JSValueConst this_val, int argc, JSValueConst *argv, int op)
{
    const char *path = JS_ToCString(ctx, argv[0]);
    JSValue r = JS_UNDEFINED;
    struct stat st;
    int res = 0;

    if (!path)
        return JS_EXCEPTION;
    switch (op) {
    case OP_READ: {
        int fd = open(path, O_RDONLY);
        res = fd;
        if (fd >= 0) {
            if (fstat(fd, &st) == 0 && S_ISDIR(st.st_mode)) {
                errno = EISDIR;
                res = -1;
            } else {
                r = read_all(ctx, fd, SIZE_MAX);
            }
            int e = errno;
            close(fd);
            errno = e;
        }
        break;
    }
    case OP_STAT:
    case OP_LSTAT:
        res = op == OP_STAT ? stat(path, &st) : lstat(path, &st);
        if (res == 0)
            r = stat_array(ctx, &st);
        break;
    case OP_READDIR: {
        /* [name, is a directory, name, ...] */
        DIR *d = opendir(path);
        struct dirent *e;
        uint32_t n = 0;
        if (!d) {
            res = -1;
            break;
        }
        r = JS_NewArray(ctx);
        while ((e = readdir(d))) {
            if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, ".."))
                continue;
            JS_SetPropertyUint32(ctx, r, n++, JS_NewString(ctx, e->d_name));
            JS_SetPropertyUint32(ctx, r, n++, JS_NewInt32(ctx, e->d_type == DT_DIR ? 1 : e->d_type == DT_LNK ? 2 : 0));
        }
        closedir(d);
        break;
    }
    case OP_UNLINK:
        res = unlink(path);
        break;
    case OP_RMDIR:
        res = rmdir(path);
        break;
    case OP_MKDIR:
        res = mkdir(path, 0777);
        break;
    case OP_READLINK: {
        char buf[4096];
        ssize_t n = readlink(path, buf, sizeof buf);
        res = (int)n;
        if (n >= 0)
            r = JS_NewStringLen(ctx, buf, (size_t)n);
        break;
    }
    }
    int e = errno;
    JS_FreeCString(ctx, path);
    if (res < 0)
        return JS_NewInt32(ctx, -e);
    return JS_IsUndefined(r) ? JS_NewInt32(ctx, 0) : r;
}

enum { OP_RENAME, OP_SYMLINK, OP_LINK };

static JSValue h_path_op2(JSContext *ctx, JSValueConst this_val, int argc, JSValueConst *argv, int op)
{
    const char *a = JS_ToCString(ctx, argv[0]), *b = a ? JS_ToCString(ctx, argv[1]) : NULL;
    int res = -1, e;
    if (!b) {
        JS_FreeCString(ctx, a);
        return JS_EXCEPTION;
    }
    switch (op) {
    case OP_RENAME:
        res = rename(a, b);
        break;
    case OP_SYMLINK:
        res = symlink(a, b);
        break;
    case OP_LINK:
        res = link(a, b);
        break;
    }
    e = errno;
    JS_FreeCString(ctx, a);
    JS_FreeCString(ctx, b);
    return JS_NewInt32(ctx, res < 0 ? -e : 0);
}

/* writeFile(path, Uint8Array, mode) -> 0 or -errno; mode 0 truncate, 1 append, 2 create only */
static JSValue h_write_file(JSContext *ctx, JSValueConst this_val, int argc, JSValueConst *argv)
{
    size_t len;
    const char *path;
    uint8_t *p = JS_GetUint8Array(ctx, &len, argv[1]);
    int32_t mode;
    int fd, r;
    if (!p || JS_ToInt32(ctx, &mode, argv[2]) || !(path = JS_ToCString(ctx, argv[0])))
        return JS_EXCEPTION;
    fd = open(path, O_WRONLY | O_CREAT | (mode == 1 ? O_APPEND : mode == 2 ? O_EXCL : O_TRUNC), 0666);
    r = fd < 0 ? -errno : guest_write(fd, (const char *)p, len);
    if (fd >= 0 && close(fd) && !r)
        r = -errno;
    JS_FreeCString(ctx, path);
    return JS_NewInt32(ctx, r);
}

/* open(path, "r"|"w"|"a" as 0|1|2, exclusive, also the other way) -> fd or -errno */
static JSValue h_open(JSContext *ctx, JSValueConst this_val, int argc, JSValueConst *argv)
{
    static const int how[] = { O_RDONLY, O_WRONLY | O_CREAT | O_TRUNC, O_WRONLY | O_CREAT | O_APPEND,
                               O_RDWR, O_RDWR | O_CREAT | O_TRUNC, O_RDWR | O_CREAT | O_APPEND };
    const char *path = JS_ToCString(ctx, argv[0]);
    int32_t mode;
    int fd;
    if (!path)
        return JS_EXCEPTION;
    if (JS_ToInt32(ctx, &mode, argv[1]) || mode < 0 || mode > 5)
        mode = 0;
    fd = open(path, how[mode] | (JS_ToBool(ctx, argv[2]) ? O_EXCL : 0), 0666);
    if (fd < 0)
        fd = -errno;
    JS_FreeCString(ctx, path);
    return JS_NewInt32(ctx, fd);
}

static JSValue h_close(JSContext *ctx, JSValueConst this_val, int argc, JSValueConst *argv)
{
    int32_t fd;
    /* 0 to 2 are the run's streams, 3 is the world */
    if (JS_ToInt32(ctx, &fd, argv[0]))
        return JS_EXCEPTION;
    if (fd <= 3)
        return JS_NewInt32(ctx, fd < 3 ? 0 : -EBADF);
    return JS_NewInt32(ctx, close(fd) ? -errno : 0);
}

static JSValue h_truncate(JSContext *ctx, JSValueConst this_val, int argc, JSValueConst *argv)
{
    const char *path = JS_ToCString(ctx, argv[0]);
    int64_t len;
    int r;
    if (!path)
        return JS_EXCEPTION;
    if (JS_ToInt64(ctx, &len, argv[1])) {
        JS_FreeCString(ctx, path);
        return JS_EXCEPTION;
    }
    r = truncate(path, len) ? -errno : 0;
    JS_FreeCString(ctx, path);
    return JS_NewInt32(ctx, r);
}

static JSValue h_clock(JSContext *ctx, JSValueConst this_val, int argc, JSValueConst *argv, int monotonic)
{
    struct timespec ts = { 0 };
    clock_gettime(monotonic ? CLOCK_MONOTONIC : CLOCK_REALTIME, &ts);
    return JS_NewFloat64(ctx, (double)ts.tv_sec * 1e3 + (double)ts.tv_nsec / 1e6);
}

static JSValue h_hrtime(JSContext *ctx, JSValueConst this_val, int argc, JSValueConst *argv)
{
    struct timespec ts = { 0 };
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return JS_NewBigUint64(ctx, (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec);
}

/* random(Uint8Array): fills it */
static JSValue h_random(JSContext *ctx, JSValueConst this_val, int argc, JSValueConst *argv)
{
    size_t len, n;
    uint8_t *p = JS_GetUint8Array(ctx, &len, argv[0]);
    if (!p)
        return JS_EXCEPTION;
    for (; len; p += n, len -= n) {
        n = len < 256 ? len : 256; /* getentropy() takes no more at once */
        if (getentropy(p, n))
            return JS_ThrowInternalError(ctx, "no randomness");
    }
    return JS_UNDEFINED;
}

static JSValue h_exit(JSContext *ctx, JSValueConst this_val, int argc, JSValueConst *argv)
{
    int32_t code = 0;
    JSValue e;
    if (JS_ToInt32(ctx, &code, argv[0]))
        code = 1;
    guest_exiting = true;
    guest_exit_code = code;
    JS_TriggerInterrupt(ctx);
    JS_ThrowInternalError(ctx, "exit");
    e = JS_GetException(ctx);
    JS_SetUncatchableError(ctx, e);
    return JS_Throw(ctx, e);
}

static JSValue h_tick(JSContext *ctx, JSValueConst this_val, int argc, JSValueConst *argv)
{
    guest_tick_pending = true;
    return JS_UNDEFINED;
}

/* classOf(object) -> the name of its internal class, whatever its prototype says */
static JSValue h_class_of(JSContext *ctx, JSValueConst this_val, int argc, JSValueConst *argv)
{
    JSAtom a;
    JSValue r;
    if (!JS_IsObject(argv[0]))
        return JS_UNDEFINED;
    if (JS_IsProxy(argv[0]))
        return JS_NewString(ctx, "Proxy");
    a = JS_GetClassName(JS_GetRuntime(ctx), JS_GetClassID(argv[0]));
    r = JS_AtomToString(ctx, a);
    JS_FreeAtom(ctx, a);
    return r;
}

/* peek(promise) -> [0 pending | 1 fulfilled | 2 rejected, value]; peek(proxy) -> [target, handler] */
static JSValue h_peek(JSContext *ctx, JSValueConst this_val, int argc, JSValueConst *argv)
{
    JSValue a = JS_NewArray(ctx);
    if (JS_IsPromise(argv[0])) {
        JSPromiseStateEnum s = JS_PromiseState(ctx, argv[0]);
        JS_SetPropertyUint32(ctx, a, 0, JS_NewInt32(ctx, s == JS_PROMISE_PENDING ? 0 : s == JS_PROMISE_FULFILLED ? 1 : 2));
        JS_SetPropertyUint32(ctx, a, 1, s == JS_PROMISE_PENDING ? JS_UNDEFINED : JS_PromiseResult(ctx, argv[0]));
    } else if (JS_IsProxy(argv[0])) {
        JS_SetPropertyUint32(ctx, a, 0, JS_GetProxyTarget(ctx, argv[0]));
        JS_SetPropertyUint32(ctx, a, 1, JS_GetProxyHandler(ctx, argv[0]));
    }
    return a;
}

/* evaluate(source, filename, line): a script; its value */
static JSValue h_evaluate(JSContext *ctx, JSValueConst this_val, int argc, JSValueConst *argv)
{
    size_t len;
    const char *src = JS_ToCStringLen(ctx, &len, argv[0]), *name = src ? JS_ToCString(ctx, argv[1]) : NULL;
    JSEvalOptions opt = { .version = JS_EVAL_OPTIONS_VERSION, .eval_flags = JS_EVAL_TYPE_GLOBAL };
    int32_t line = 1;
    JSValue r = JS_EXCEPTION;
    if (name && JS_ToInt32(ctx, &line, argv[2]) == 0) {
        opt.filename = name;
        opt.line_num = line;
        r = JS_Eval2(ctx, src, len, &opt);
    }
    JS_FreeCString(ctx, name);
    JS_FreeCString(ctx, src);
    return r;
}

/* importSync(path, source) -> a module's namespace, for require() of an ES module */
static JSValue h_import_sync(JSContext *ctx, JSValueConst this_val, int argc, JSValueConst *argv)
{
    size_t plen, slen;
    const char *path = JS_ToCStringLen(ctx, &plen, argv[0]), *src = path ? JS_ToCStringLen(ctx, &slen, argv[1]) : NULL;
    JSValue r = JS_EXCEPTION;
    if (src)
        r = guest_import_sync(ctx, path, plen, src, slen);
    JS_FreeCString(ctx, src);
    JS_FreeCString(ctx, path);
    return r;
}

/* door(op, text) -> the host's answer */
static JSValue h_door(JSContext *ctx, JSValueConst this_val, int argc, JSValueConst *argv)
{
    int32_t op;
    size_t len;
    const char *s;
    JSValue r;
    if (JS_ToInt32(ctx, &op, argv[0]) || !(s = JS_ToCStringLen(ctx, &len, argv[1])))
        return JS_EXCEPTION;
    guest_make_utf8((char *)s, len);
    r = JS_NewInt32(ctx, guest_door(op, s, len));
    JS_FreeCString(ctx, s);
    return r;
}

static const JSCFunctionListEntry functions[] = {
    JS_CFUNC_DEF("write", 2, h_write),
    JS_CFUNC_DEF("encode", 1, h_encode),
    JS_CFUNC_DEF("decode", 2, h_decode),
    JS_CFUNC_DEF("latin1", 1, h_latin1),
    JS_CFUNC_DEF("readFd", 2, h_read_fd),
    JS_CFUNC_MAGIC_DEF("read", 1, h_path_op, OP_READ),
    JS_CFUNC_MAGIC_DEF("stat", 1, h_path_op, OP_STAT),
    JS_CFUNC_MAGIC_DEF("lstat", 1, h_path_op, OP_LSTAT),
    JS_CFUNC_MAGIC_DEF("readdir", 1, h_path_op, OP_READDIR),
    JS_CFUNC_MAGIC_DEF("unlink", 1, h_path_op, OP_UNLINK),
    JS_CFUNC_MAGIC_DEF("rmdir", 1, h_path_op, OP_RMDIR),
    JS_CFUNC_MAGIC_DEF("mkdir", 1, h_path_op, OP_MKDIR),
    JS_CFUNC_MAGIC_DEF("readlink", 1, h_path_op, OP_READLINK),
    JS_CFUNC_MAGIC_DEF("rename", 2, h_path_op2, OP_RENAME),
    JS_CFUNC_MAGIC_DEF("symlink", 2, h_path_op2, OP_SYMLINK),
    JS_CFUNC_MAGIC_DEF("link", 2, h_path_op2, OP_LINK),
    JS_CFUNC_DEF("writeFile", 3, h_write_file),
    JS_CFUNC_DEF("open", 3, h_open),
    JS_CFUNC_DEF("close", 1, h_close),
    JS_CFUNC_DEF("truncate", 2, h_truncate),
    JS_CFUNC_MAGIC_DEF("now", 0, h_clock, 0),
    JS_CFUNC_MAGIC_DEF("mono", 0, h_clock, 1),
    JS_CFUNC_DEF("hrtime", 0, h_hrtime),
    JS_CFUNC_DEF("random", 1, h_random),
    JS_CFUNC_DEF("exit", 1, h_exit),
    JS_CFUNC_DEF("tick", 0, h_tick),
    JS_CFUNC_DEF("classOf", 1, h_class_of),
    JS_CFUNC_DEF("peek", 1, h_peek),
    JS_CFUNC_DEF("evaluate", 3, h_evaluate),
    JS_CFUNC_DEF("importSync", 2, h_import_sync),
    JS_CFUNC_DEF("door", 2, h_door),
};

JSValue guest_host_object(JSContext *ctx)
{
    JSValue o = JS_NewObject(ctx);
    JS_SetPropertyFunctionList(ctx, o, functions, sizeof functions / sizeof *functions);
    return o;
}
