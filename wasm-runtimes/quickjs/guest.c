/* The exports of the guest: start the interpreter, run a request. ABI.md says what they mean. */
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <wasi/libc.h>
#include "guest.h"

#define EXPORT(name) __attribute__((export_name(#name)))

enum {
    REQUEST_VERSION = 1,
    FLAG_FIRST = 1,
    FLAG_VALUE = 2,
    FLAG_MODULE = 4,
    /* Node's exit code for a top-level await that nothing can resolve any more. */
    EXIT_UNSETTLED = 13,
    EXIT_BAD_REQUEST = 125,
};

__attribute__((import_module("bailiwick"), import_name("door")))
int32_t bailiwick_door(int32_t op, const char *ptr, size_t len);

bool guest_exiting;
int guest_exit_code;
bool guest_tick_pending;

static JSRuntime *rt;
static JSContext *ctx;
/* What the prelude's last expression gives to this file; see lib/90-main.js. */
static JSValue hooks;

/* The prelude's files in order, made by build.sh. */
extern const struct { const char *name, *source; size_t len; } guest_prelude[];
extern const size_t guest_prelude_count;

/* Promises rejected with nobody listening, in the order of their rejection. */
static struct { JSValue promise, reason; } *unhandled;
static size_t unhandled_count, unhandled_cap;

int32_t guest_door(int32_t op, const char *ptr, size_t len)
{
    return bailiwick_door(op, ptr, len);
}

static void on_rejection(JSContext *c, JSValueConst promise, JSValueConst reason, bool is_handled, void *opaque)
{
    size_t i;
    if (is_handled) {
        for (i = 0; i < unhandled_count; i++) {
            if (JS_VALUE_GET_PTR(unhandled[i].promise) == JS_VALUE_GET_PTR(promise)) {
                JS_FreeValue(c, unhandled[i].promise);
                JS_FreeValue(c, unhandled[i].reason);
                memmove(&unhandled[i], &unhandled[i + 1], (unhandled_count - i - 1) * sizeof *unhandled);
                unhandled_count--;
                return;
            }
        }
        return;
    }
    if (unhandled_count == unhandled_cap) {
        size_t cap = unhandled_cap ? unhandled_cap * 2 : 16;
        void *p = realloc(unhandled, cap * sizeof *unhandled);
        if (!p)
            return; /* one report less; the run goes on */
        unhandled = p;
        unhandled_cap = cap;
    }
    unhandled[unhandled_count].promise = JS_DupValue(c, promise);
    unhandled[unhandled_count++].reason = JS_DupValue(c, reason);
}

static void drop_unhandled(void)
{
    while (unhandled_count) {
        unhandled_count--;
        JS_FreeValue(ctx, unhandled[unhandled_count].promise);
        JS_FreeValue(ctx, unhandled[unhandled_count].reason);
    }
}

/* Polled by QuickJS in loops and calls: whatever swallowed the exception of process.exit(), the
   code after it does not run on. */
static int on_interrupt(JSRuntime *r, void *opaque)
{
    return guest_exiting;
}

static JSValue hook(const char *name, int argc, JSValueConst *argv)
{
    JSValue f = JS_GetPropertyStr(ctx, hooks, name);
    JSValue r = JS_Call(ctx, f, JS_UNDEFINED, argc, argv);
    JS_FreeValue(ctx, f);
    return r;
}

EXPORT(bailiwick_init)
void bailiwick_init(void)
{
    JSValue host, f, r = JS_UNDEFINED;
    size_t i;

    rt = JS_NewRuntime2(&guest_malloc_functions, NULL);
    if (!rt)
        abort();
    JS_SetMaxStackSize(rt, GUEST_JS_STACK);
    ctx = JS_NewContext(rt);
    if (!ctx)
        abort();
    host = guest_host_object(ctx);
    for (i = 0; i < guest_prelude_count; i++) {
        /* Each file is one function of (host, shared); the last returns the hooks. */
        f = JS_Eval(ctx, guest_prelude[i].source, guest_prelude[i].len, guest_prelude[i].name, JS_EVAL_TYPE_GLOBAL);
        if (!JS_IsException(f)) {
            JS_FreeValue(ctx, r);
            r = JS_Call(ctx, f, JS_UNDEFINED, 1, (JSValueConst *)&host);
            JS_FreeValue(ctx, f);
        }
        if (JS_IsException(f) || JS_IsException(r)) {
            JSValue e = JS_GetException(ctx);
            const char *s = JS_ToCString(ctx, e);
            JSValue st = JS_GetPropertyStr(ctx, e, "stack");
            const char *t = JS_ToCString(ctx, st);
            guest_write(2, guest_prelude[i].name, strlen(guest_prelude[i].name));
            guest_write(2, s ? s : "?", s ? strlen(s) : 1);
            guest_write(2, t ? t : "?", t ? strlen(t) : 1);
            abort();
        }
    }
    hooks = r;
    JS_FreeValue(ctx, host);
    guest_modules_init(ctx, hooks);
    JS_SetHostPromiseRejectionTracker(rt, on_rejection, NULL);
    JS_SetInterruptHandler(rt, on_interrupt, NULL);
    JS_RunGC(rt);
    JS_SetGCThreshold(rt, GUEST_GC_THRESHOLD);
    guest_take_reserve();
}

EXPORT(bailiwick_alloc)
void *bailiwick_alloc(size_t len)
{
    return malloc(len ? len : 1);
}

/* Everything goes out by write() at once: nothing is left to save. */
EXPORT(bailiwick_salvage)
void bailiwick_salvage(void)
{
}

/* A request being read. `bad` is set once it ends too soon; all reads after that give nothing. */
typedef struct {
    const uint8_t *p, *end;
    bool bad;
} Reader;

static uint32_t read_u32(Reader *r)
{
    uint32_t v = 0;
    if (r->bad || r->end - r->p < 4) {
        r->bad = true;
        return 0;
    }
    memcpy(&v, r->p, 4);
    r->p += 4;
    return v;
}

static const char *read_str(Reader *r, size_t *len)
{
    size_t n = read_u32(r);
    const char *s;
    if (r->bad || (size_t)(r->end - r->p) < n) {
        r->bad = true;
        *len = 0;
        return "";
    }
    s = (const char *)r->p;
    r->p += n;
    *len = n;
    return s;
}

static JSValue read_str_array(Reader *r)
{
    JSValue a = JS_NewArray(ctx);
    uint32_t i, n = read_u32(r);
    for (i = 0; i < n && !r->bad; i++) {
        size_t len;
        const char *s = read_str(r, &len);
        JS_SetPropertyUint32(ctx, a, i, JS_NewStringLen(ctx, s, len));
    }
    return a;
}

/* Tells the user about an exception that nothing caught. False: a listener took it, the run goes on. */
static bool fatal(JSValue error, bool in_promise)
{
    JSValueConst argv[2] = { error, JS_NewBool(ctx, in_promise) };
    JSValue r;
    bool ends = true;

    if (!guest_exiting) {
        r = hook("fatal", 2, argv);
        if (JS_IsException(r)) {
            if (!guest_exiting) {
                static const char msg[] = "Uncaught exception (its description could not be made)\n";
                guest_write(2, msg, sizeof msg - 1);
                guest_door(3, "Error", 5);
                guest_door(4, "", 0);
                guest_exit_code = 1;
            }
            JS_FreeValue(ctx, JS_GetException(ctx));
        } else {
            ends = !JS_ToBool(ctx, r);
            if (ends)
                guest_exit_code = 1;
        }
        JS_FreeValue(ctx, r);
    }
    JS_FreeValue(ctx, error);
    return ends;
}

/* Ticks and promise jobs until none is left. False: the run is over. */
static bool drain(void)
{
    for (;;) {
        JSContext *c;
        int r;
        if (guest_tick_pending) {
            JSValue v;
            guest_tick_pending = false;
            v = hook("tick", 0, NULL);
            if (JS_IsException(v) && (guest_exiting || fatal(JS_GetException(ctx), false)))
                return false;
            JS_FreeValue(ctx, v);
        }
        while ((r = JS_ExecutePendingJob(rt, &c)) != 0) {
            if (guest_exiting)
                return false;
            if (r < 0 && fatal(JS_GetException(ctx), false))
                return false;
        }
        if (guest_tick_pending)
            continue;
        if (!unhandled_count)
            return true;
        while (unhandled_count) {
            JSValue reason = unhandled[0].reason;
            JS_FreeValue(ctx, unhandled[0].promise);
            memmove(&unhandled[0], &unhandled[1], --unhandled_count * sizeof *unhandled);
            if (fatal(reason, true))
                return false;
        }
    }
}

static bool rejected(JSValueConst promise)
{
    return JS_PromiseState(ctx, promise) == JS_PROMISE_REJECTED;
}

static void sleep_ms(double ms)
{
    struct timespec ts;
    if (ms > 1e9)
        ms = 1e9;
    ts.tv_sec = (time_t)(ms / 1000);
    ts.tv_nsec = (long)((ms - (double)ts.tv_sec * 1000) * 1e6);
    clock_nanosleep(CLOCK_MONOTONIC, 0, &ts, NULL);
}

/* Runs what the code left behind. `main` is its promise, or undefined. False: ended early. */
static bool event_loop(JSValueConst main)
{
    bool has_main = JS_IsPromise(main);
    for (;;) {
        JSValue v;
        double wait = -1;
        if (!drain())
            return false;
        if (has_main && rejected(main)) {
            fatal(JS_PromiseResult(ctx, main), false);
            return false;
        }
        v = hook("step", 0, NULL);
        if (JS_IsException(v)) {
            if (guest_exiting || fatal(JS_GetException(ctx), false))
                return false;
            continue;
        }
        JS_ToFloat64(ctx, &wait, v);
        JS_FreeValue(ctx, v);
        if (wait < 0)
            return true;
        if (wait > 0)
            sleep_ms(wait);
    }
}

/* Where a syntax error stands, so that of several attempts at the code the one that got furthest
   is reported. Reads the stack's first frame. */
static uint64_t error_position(JSValueConst error)
{
    JSValue v = JS_GetPropertyStr(ctx, error, "stack");
    const char *s = JS_ToCString(ctx, v), *p, *q;
    uint64_t pos = 0;
    if (s && (p = strstr(s, "\n    at "))) {
        unsigned long line, col;
        const char *e = strchr(p + 1, '\n');
        if (!e)
            e = p + strlen(p);
        /* "file:line:col", from the right */
        for (q = e; q > p && q[-1] != ':'; q--)
            ;
        col = strtoul(q, NULL, 10);
        for (q -= q > p; q > p && q[-1] != ':'; q--)
            ;
        line = strtoul(q, NULL, 10);
        pos = (uint64_t)line << 32 | col;
    }
    if (!s)
        JS_FreeValue(ctx, JS_GetException(ctx));
    JS_FreeCString(ctx, s);
    JS_FreeValue(ctx, v);
    return pos;
}

static bool is_syntax_error(JSValueConst error)
{
    JSValue v = JS_GetPropertyStr(ctx, error, "name");
    const char *s = JS_ToCString(ctx, v);
    bool r = s && !strcmp(s, "SyntaxError");
    JS_FreeCString(ctx, s);
    JS_FreeValue(ctx, v);
    return r;
}

/* Compiles the code: as a module when told so; else as a script, then as a script with top-level
   await, then as a module, each only when the one before failed and the source has the word. */
static JSValue compile(const char *code, size_t len, const char *filename, uint32_t flags, bool *is_async)
{
    static const struct { int flags; const char *word, *word2; } attempts[] = {
        { JS_EVAL_TYPE_GLOBAL, NULL, NULL },
        { JS_EVAL_TYPE_GLOBAL | JS_EVAL_FLAG_ASYNC, "await", "await" },
        { JS_EVAL_TYPE_MODULE, "import", "export" },
    };
    JSValue best = JS_UNDEFINED, f, e;
    uint64_t best_pos = 0, pos;
    size_t i;

    for (i = flags & FLAG_MODULE ? 2 : 0; i < 3; i++) {
        if (!(flags & FLAG_MODULE) && attempts[i].word && !strstr(code, attempts[i].word) && !strstr(code, attempts[i].word2))
            continue;
        f = JS_Eval(ctx, code, len, filename, attempts[i].flags | JS_EVAL_FLAG_COMPILE_ONLY);
        if (!JS_IsException(f)) {
            JS_FreeValue(ctx, best);
            *is_async = i == 1;
            return f;
        }
        e = JS_GetException(ctx);
        if (guest_exiting || !is_syntax_error(e)) {
            /* a module's import failed, or memory or stack ran out: this is the answer */
            JS_FreeValue(ctx, best);
            return JS_Throw(ctx, e);
        }
        pos = error_position(e);
        if (JS_IsUndefined(best) || pos > best_pos) {
            JS_FreeValue(ctx, best);
            best = e;
            best_pos = pos;
        } else {
            JS_FreeValue(ctx, e);
        }
    }
    return JS_Throw(ctx, best);
}

/* Runs the code and all that it leaves to be done; reports its value when that is wanted. */
static void run_code(const char *code, size_t len, const char *filename, uint32_t flags)
{
    bool is_async = false, is_module, ok;
    JSValue f = compile(code, len, filename, flags, &is_async), v;

    if (JS_IsException(f)) {
        fatal(JS_GetException(ctx), false);
        return;
    }
    is_module = JS_VALUE_GET_TAG(f) == JS_TAG_MODULE;
    if (is_module)
        guest_set_import_meta(ctx, JS_VALUE_GET_PTR(f), true);
    v = JS_EvalFunction(ctx, f);
    if (JS_IsException(v)) {
        /* an uncaughtException listener may take it, and then timers still run */
        if (guest_exiting || fatal(JS_GetException(ctx), false))
            return;
        v = JS_UNDEFINED;
        is_async = is_module = false;
    }
    if (is_async || is_module)
        JS_PromiseMarkAsHandled(ctx, v); /* event_loop() looks at it */
    ok = event_loop(is_async || is_module ? (JSValueConst)v : (JSValueConst)JS_UNDEFINED);
    if (ok && (is_async || is_module) && JS_PromiseState(ctx, v) == JS_PROMISE_PENDING) {
        static const char msg[] = "Warning: the top-level await was never settled: nothing is left that could settle it\n";
        guest_write(2, msg, sizeof msg - 1);
        guest_exit_code = EXIT_UNSETTLED;
        ok = false;
    }
    if (ok && (flags & FLAG_VALUE) && !is_module) {
        JSValue r, value;
        if (is_async) {
            JSValue box = JS_PromiseResult(ctx, v);
            value = JS_GetPropertyStr(ctx, box, "value");
            JS_FreeValue(ctx, box);
        } else {
            value = JS_DupValue(ctx, v);
        }
        r = hook("report", 1, (JSValueConst *)&value);
        if (JS_IsException(r))
            JS_FreeValue(ctx, JS_GetException(ctx));
        JS_FreeValue(ctx, r);
        JS_FreeValue(ctx, value);
    }
    JS_FreeValue(ctx, v);
}

EXPORT(bailiwick_run)
int32_t bailiwick_run(uint8_t *request, size_t request_len)
{
    static const char bad_request[] = "bailiwick: malformed request\n";
    Reader r = { request, request + request_len, false };
    uint32_t version = read_u32(&r), flags = read_u32(&r);
    size_t code_len, name_len;
    const char *code_at = read_str(&r, &code_len), *name_at = read_str(&r, &name_len);
    char *code, *filename;
    JSValue argv[4], v;
    int i;

    JS_UpdateStackTop(rt);
    guest_take_reserve();
    guest_exiting = false;
    guest_exit_code = 0;
    if (flags & FLAG_FIRST) {
        uint64_t seed;
        __wasilibc_reset_preopens();
        if (getentropy(&seed, sizeof seed) == 0)
            JS_SetRandomSeed(ctx, seed);
    }
    argv[0] = JS_NewBool(ctx, flags & FLAG_FIRST);
    argv[1] = JS_NewStringLen(ctx, name_at, name_len);
    argv[2] = read_str_array(&r);
    argv[3] = read_str_array(&r);
    /* JS_Eval() wants a terminator, and the request has none */
    code = malloc(code_len + 1);
    filename = malloc(name_len + 1);
    if (r.bad || version != REQUEST_VERSION || !code || !filename) {
        guest_write(2, bad_request, sizeof bad_request - 1);
        free(request);
        return EXIT_BAD_REQUEST;
    }
    memcpy(code, code_at, code_len);
    code[code_len] = 0;
    memcpy(filename, name_at, name_len);
    filename[name_len] = 0;
    free(request);

    v = hook("begin", 4, (JSValueConst *)argv);
    for (i = 0; i < 4; i++)
        JS_FreeValue(ctx, argv[i]);
    if (JS_IsException(v)) {
        fatal(JS_GetException(ctx), false);
    } else {
        run_code(code, code_len, filename, flags);
        /* "exit" listeners, process.exitCode; not after process.exit(), which has told them */
        if (!guest_exiting) {
            JSValue c = JS_NewInt32(ctx, guest_exit_code);
            v = hook("end", 1, (JSValueConst *)&c);
            if (!guest_exiting) {
                int32_t n;
                if (JS_IsException(v))
                    fatal(JS_GetException(ctx), false);
                else if (JS_ToInt32(ctx, &n, v) == 0)
                    guest_exit_code = n;
            }
            JS_FreeValue(ctx, v);
        }
    }
    JS_FreeValue(ctx, JS_GetException(ctx));
    free(code);
    free(filename);

    /* Nothing of this run goes on in the environment's next one. */
    guest_exiting = false;
    guest_tick_pending = false;
    JS_ClearPendingJobs(rt);
    drop_unhandled();
    JS_FreeValue(ctx, hook("clear", 0, NULL));
    return guest_exit_code & 0xff;
}
