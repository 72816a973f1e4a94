/* What the guest's C files share. */
#ifndef BAILIWICK_GUEST_H
#define BAILIWICK_GUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "quickjs.h"

/* Depth of C stack that JavaScript may use. The stack lies first in linear memory (the linker is
   told its size in build.sh), so that overrunning it traps. What is left below this limit is for
   the deepest run of C code between two checks: building a backtrace, formatting a number.
   The host must allow four times as much of its own stack (measured; see README.md). */
#define GUEST_JS_STACK (2 * 1024 * 1024)

/* No run needs a collection for its first megabytes: most end before. */
#define GUEST_GC_THRESHOLD (8 * 1024 * 1024)

/* Set by process.exit(): no JavaScript runs from here to the end of the request. */
extern bool guest_exiting;
extern int guest_exit_code;
/* process.nextTick() was called since the queue was last drained. */
extern bool guest_tick_pending;

/* The object of native functions that the prelude gets and the user does not. */
JSValue guest_host_object(JSContext *ctx);
int guest_write(int fd, const char *buf, size_t len);
/* WTF-8 as QuickJS gives it, made UTF-8 in place: lone surrogates become U+FFFD (as long). */
void guest_make_utf8(char *buf, size_t len);

/* Modules: the resolver and the loader are the prelude's, given by guest_modules_init(). */
void guest_modules_init(JSContext *ctx, JSValueConst hooks);
JSValue guest_import_sync(JSContext *ctx, const char *path, size_t len, const char *source, size_t source_len);
void guest_set_import_meta(JSContext *ctx, JSModuleDef *m, bool main);

extern const JSMallocFunctions guest_malloc_functions;
/* Sets memory aside for the day that it runs out; see alloc.c. */
void guest_take_reserve(void);

int32_t guest_door(int32_t op, const char *ptr, size_t len);

#endif
