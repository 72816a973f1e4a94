/* ES modules. Where a specifier leads and what stands there is decided by the prelude
   (lib/70-modules.js), the same for import and require; this file makes QuickJS modules of it. */
#include <string.h>
#include "guest.h"

/* resolve(specifier, importer) -> path or "node:..."; throws when there is nothing.
   load(path) -> source text of an ES module, or an object of exports (a builtin, CommonJS, JSON). */
static JSValue resolve_hook, load_hook;

static char *normalize(JSContext *ctx, const char *base, const char *name, void *opaque)
{
    JSValueConst argv[2];
    JSValue r;
    const char *s;
    char *out = NULL;

    argv[0] = JS_NewString(ctx, name);
    argv[1] = JS_NewString(ctx, base);
    r = JS_Call(ctx, resolve_hook, JS_UNDEFINED, 2, argv);
    JS_FreeValue(ctx, (JSValue)argv[0]);
    JS_FreeValue(ctx, (JSValue)argv[1]);
    if (JS_IsException(r))
        return NULL;
    s = JS_ToCString(ctx, r);
    if (s)
        out = js_strdup(ctx, s);
    JS_FreeCString(ctx, s);
    JS_FreeValue(ctx, r);
    return out;
}

void guest_set_import_meta(JSContext *ctx, JSModuleDef *m, bool main)
{
    JSValue meta = JS_GetImportMeta(ctx, m), f = JS_GetPropertyStr(ctx, load_hook, "meta");
    JSAtom a = JS_GetModuleName(ctx, m);
    JSValueConst argv[3];
    JSValue r;

    argv[0] = meta;
    argv[1] = JS_AtomToString(ctx, a);
    argv[2] = JS_NewBool(ctx, main);
    r = JS_Call(ctx, f, JS_UNDEFINED, 3, argv);
    if (JS_IsException(r))
        JS_FreeValue(ctx, JS_GetException(ctx));
    JS_FreeValue(ctx, r);
    JS_FreeValue(ctx, (JSValue)argv[1]);
    JS_FreeAtom(ctx, a);
    JS_FreeValue(ctx, f);
    JS_FreeValue(ctx, meta);
}

static JSModuleDef *compile(JSContext *ctx, const char *name, const char *src, size_t len)
{
    JSValue v = JS_Eval(ctx, src, len, name, JS_EVAL_TYPE_MODULE | JS_EVAL_FLAG_COMPILE_ONLY);
    JSModuleDef *m;
    if (JS_IsException(v))
        return NULL;
    m = JS_VALUE_GET_PTR(v);
    guest_set_import_meta(ctx, m, false);
    JS_FreeValue(ctx, v); /* the context's list of modules holds it too */
    return m;
}

/* The exports of a module that is an object: its own enumerable string keys, and itself as default. */
static int set_exports(JSContext *ctx, JSModuleDef *m, JSValueConst obj, bool declare)
{
    JSPropertyEnum *tab = NULL;
    uint32_t n = 0, i;
    int r = 0;

    if (declare ? JS_AddModuleExport(ctx, m, "default")
                : JS_SetModuleExport(ctx, m, "default", JS_DupValue(ctx, obj)))
        return -1;
    if (!JS_IsObject(obj) || JS_IsProxy(obj))
        return 0;
    if (JS_GetOwnPropertyNames(ctx, &tab, &n, obj, JS_GPN_STRING_MASK | JS_GPN_ENUM_ONLY))
        return -1;
    for (i = 0; i < n && r == 0; i++) {
        const char *s = JS_AtomToCString(ctx, tab[i].atom);
        if (!s) {
            r = -1;
        } else if (strcmp(s, "default")) {
            if (declare) {
                r = JS_AddModuleExport(ctx, m, s);
            } else {
                JSValue v = JS_GetProperty(ctx, obj, tab[i].atom);
                if (JS_IsException(v) || JS_SetModuleExport(ctx, m, s, v)) {
                    /* the object has changed since it was declared: leave the new key out */
                    JS_FreeValue(ctx, JS_GetException(ctx));
                }
            }
        }
        JS_FreeCString(ctx, s);
    }
    JS_FreePropertyEnum(ctx, tab, n);
    return r;
}

static int init_object_module(JSContext *ctx, JSModuleDef *m)
{
    JSValue obj = JS_GetModulePrivateValue(ctx, m);
    int r = set_exports(ctx, m, obj, false);
    JS_FreeValue(ctx, obj);
    return r;
}

static JSModuleDef *load(JSContext *ctx, const char *name, void *opaque, JSValueConst attributes)
{
    JSValueConst argv[2];
    JSValue r;
    JSModuleDef *m = NULL;

    argv[0] = JS_NewString(ctx, name);
    argv[1] = attributes;
    r = JS_Call(ctx, load_hook, JS_UNDEFINED, 2, argv);
    JS_FreeValue(ctx, (JSValue)argv[0]);
    if (JS_IsException(r))
        return NULL;
    if (JS_IsString(r)) {
        size_t len;
        const char *src = JS_ToCStringLen(ctx, &len, r);
        if (src)
            m = compile(ctx, name, src, len);
        JS_FreeCString(ctx, src);
    } else {
        /* [exports] */
        JSValue obj = JS_GetPropertyUint32(ctx, r, 0);
        m = JS_NewCModule(ctx, name, init_object_module);
        if (m && (set_exports(ctx, m, obj, true) || JS_SetModulePrivateValue(ctx, m, JS_DupValue(ctx, obj))))
            m = NULL;
        JS_FreeValue(ctx, obj);
    }
    JS_FreeValue(ctx, r);
    return m;
}

JSValue guest_import_sync(JSContext *ctx, const char *path, size_t len, const char *source, size_t source_len)
{
    JSModuleDef *m = compile(ctx, path, source, source_len);
    JSValue p, r;
    if (!m)
        return JS_EXCEPTION;
    p = JS_EvalFunction(ctx, JS_DupValue(ctx, JS_MKPTR(JS_TAG_MODULE, m)));
    if (JS_IsException(p))
        return p;
    if (JS_PromiseState(ctx, p) == JS_PROMISE_REJECTED) {
        JS_PromiseMarkAsHandled(ctx, p);
        r = JS_Throw(ctx, JS_PromiseResult(ctx, p));
    } else if (JS_PromiseState(ctx, p) == JS_PROMISE_PENDING) {
        r = JS_ThrowPlainError(ctx, "require() of an ES module with a top-level await: import it instead: %s", path);
    } else {
        r = JS_GetModuleNamespace(ctx, m);
    }
    JS_FreeValue(ctx, p);
    return r;
}

static int any_attributes(JSContext *ctx, void *opaque, JSValueConst attributes)
{
    return 0; /* the prelude looks at them */
}

void guest_modules_init(JSContext *ctx, JSValueConst hooks)
{
    JSRuntime *rt = JS_GetRuntime(ctx);
    resolve_hook = JS_GetPropertyStr(ctx, hooks, "resolve");
    load_hook = JS_GetPropertyStr(ctx, hooks, "load");
    JS_SetModuleLoaderFunc2(rt, normalize, load, any_attributes, NULL);
}
