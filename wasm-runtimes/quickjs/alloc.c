/* The allocator under QuickJS: the libc's, with two guards. Size-class slabs in front of it were
   tried and gained nothing, neither in a fresh run nor in JSON. */
#include <malloc.h>
#include <stdlib.h>
#include "guest.h"

enum {
    /* emmalloc traps when it asks for more at once than fits a signed number. */
    LARGEST = 1 << 30,
    /* Given back when memory runs out, so that the error can be made, caught and shown. */
    RESERVE = 256 * 1024,
};

static void *reserve;

void guest_take_reserve(void)
{
    if (!reserve)
        reserve = malloc(RESERVE);
}

/* The allocation that failed stays failed: it is what comes after it that may have the reserve. */
static void *checked(void *p)
{
    if (!p) {
        free(reserve);
        reserve = NULL;
    }
    return p;
}

static void *guest_malloc(void *opaque, size_t size)
{
    return checked(size > LARGEST ? NULL : malloc(size));
}

static void *guest_calloc(void *opaque, size_t count, size_t size)
{
    size_t n;
    return checked(__builtin_mul_overflow(count, size, &n) || n > LARGEST ? NULL : calloc(1, n));
}

static void guest_free(void *opaque, void *p)
{
    free(p);
}

static void *guest_realloc(void *opaque, void *p, size_t size)
{
    return checked(size > LARGEST ? NULL : realloc(p, size));
}

static size_t guest_usable_size(const void *p)
{
    return malloc_usable_size((void *)p);
}

const JSMallocFunctions guest_malloc_functions = {
    guest_calloc, guest_malloc, guest_free, guest_realloc, guest_usable_size,
};
