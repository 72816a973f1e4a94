/* Process 1 of a container: see ../PROTOCOL.md for what it says to the engine and to the worker.
 *
 * The code that it runs is hostile and has the same user id. What protects the runner: process 1 cannot be killed from inside its
 * own pid namespace, and one that is not dumpable cannot be traced, nor its descriptors opened. Whatever comes from the worker's
 * socket or lies in the workspace is taken for what it is: bytes. */

#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define HOME "/opt/bailiwick/"
#define UNKNOWN UINT64_MAX
/* The longest request: the engine takes no longer code, and as much again for arguments and environment. */
#define MAX_REQUEST (64u << 20)
/* The longest report of a worker's: ABI.md has 1 MiB. */
#define MAX_REPORT ((1u << 20) + 16)
/* More files than anyone looks at, and little enough to walk at once. */
#define MAX_ARTIFACTS 4096
#define MAX_DEPTH 64
/* How often the pipes are read at a job's end: each holds a megabyte at most, and is read 64 KiB at a time. */
#define MAX_PUMPS 64
/* How often a running job's disk use is looked at. */
#define WATCH_MS 20
/* How long the runner outlives the time limit of a job: the engine has long ended the container, or is gone itself. */
#define GRACE_MS 15000

enum how { EXITED, SIGNALED, DONE, STOPPED, OVER_DISK };
enum { FLAG_LAST = 8 };

static const char *language, *mode;
static int shared, is_shell;
static rlim_t open_files;

static pid_t worker = -1;
static int worker_status;
static int sock = -1, out = -1, err = -1, signals = -1, input = -1, code_file = -1;
static int ready;

static struct {
    int running, stopping, over_disk;
    uint32_t flags;
    uint64_t disk, artifact_bytes;
    uint64_t deadline, sample_every, next_sample;
    uint64_t disk_most, processes_most;
    uint64_t cpu_before, oom_before, refused_before;
} job;

/* ---- small things ---- */

static uint64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static void put32(unsigned char *p, uint32_t n)
{
    for (int i = 0; i < 4; i++)
        p[i] = (unsigned char)(n >> (8 * i));
}

static void put64(unsigned char *p, uint64_t n)
{
    put32(p, (uint32_t)n);
    put32(p + 4, (uint32_t)(n >> 32));
}

static uint32_t get32(const unsigned char *p)
{
    return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static uint64_t get64(const unsigned char *p)
{
    return get32(p) | (uint64_t)get32(p + 4) << 32;
}

/* Writes all. Where the engine no longer listens there is nothing left to do. */
static void write_all(int fd, struct iovec *v, int n)
{
    while (n > 0) {
        ssize_t did = writev(fd, v, n);
        if (did < 0) {
            if (errno == EINTR)
                continue;
            if (fd == 1)
                _exit(0);
            return;
        }
        while (n > 0 && (size_t)did >= v->iov_len) {
            did -= (ssize_t)v->iov_len;
            v++;
            n--;
        }
        if (n > 0) {
            v->iov_base = (char *)v->iov_base + did;
            v->iov_len -= (size_t)did;
        }
    }
}

static void frame_to(int fd, char kind, const void *a, size_t an, const void *b, size_t bn)
{
    unsigned char head[5] = {(unsigned char)kind};
    struct iovec v[3] = {{head, 5}, {(void *)a, an}, {(void *)b, bn}};
    put32(head + 1, (uint32_t)(an + bn));
    write_all(fd, v, bn ? 3 : an ? 2 : 1);
}

static void frame(char kind, const void *payload, size_t len)
{
    frame_to(1, kind, payload, len, NULL, 0);
}

__attribute__((noreturn, format(printf, 1, 2))) static void fail(const char *format, ...)
{
    char text[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    frame('!', text, strlen(text));
    _exit(1);
}

/* Reads exactly so much from the engine; at the end of it the runner ends. */
static void take(void *to, size_t len)
{
    char *p = to;
    while (len > 0) {
        ssize_t n = read(0, p, len);
        if (n > 0) {
            p += n;
            len -= (size_t)n;
        } else if (n == 0 || errno != EINTR) {
            _exit(0);
        }
    }
}

/* Copies so much from the engine into a file; -1 when the file takes no more, with the rest read all the same. */
static int take_into(int fd, size_t len)
{
    static char buffer[1 << 16];
    int failed = 0;
    while (len > 0) {
        size_t part = len < sizeof buffer ? len : sizeof buffer, done = 0;
        take(buffer, part);
        len -= part;
        while (!failed && done < part) {
            ssize_t n = write(fd, buffer + done, part - done);
            if (n > 0)
                done += (size_t)n;
            else if (errno != EINTR)
                failed = errno;
        }
    }
    errno = failed;
    return failed ? -1 : 0;
}

/* ---- what the kernel counts ---- */

/* The container's own control group, as it stands inside: version 2, or version 1 with one directory for each controller. */
static struct counter {
    const char *v2, *v1, *v1_key, *v2_key;
    int fd, is_v2;
} counters[] = {
    {"cpu.stat", "cpuacct/cpuacct.usage", NULL, "usage_usec", -1, 0},
    {"memory.current", "memory/memory.usage_in_bytes", NULL, NULL, -1, 0},
    {"memory.peak", "memory/memory.max_usage_in_bytes", NULL, NULL, -1, 0},
    {"pids.current", "pids/pids.current", NULL, NULL, -1, 0},
    {"pids.peak", "pids/pids.peak", NULL, NULL, -1, 0},
    {"memory.events", "memory/memory.oom_control", "oom_kill", "oom_kill", -1, 0},
    {"pids.events", "pids/pids.events", "max", "max", -1, 0},
};
enum { CPU, MEMORY, MEMORY_PEAK, PROCESSES, PROCESSES_PEAK, OOM, REFUSED };

static void open_counters(void)
{
    int root = open("/sys/fs/cgroup", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (root < 0)
        return;
    for (size_t i = 0; i < sizeof counters / sizeof *counters; i++) {
        struct counter *c = &counters[i];
        c->fd = openat(root, c->v2, O_RDONLY | O_CLOEXEC);
        c->is_v2 = c->fd >= 0;
        if (c->fd < 0)
            c->fd = openat(root, c->v1, O_RDONLY | O_CLOEXEC);
    }
    close(root);
}

static uint64_t read_counter(int which)
{
    struct counter *c = &counters[which];
    char text[1024], *p = text;
    ssize_t n = c->fd < 0 ? -1 : pread(c->fd, text, sizeof text - 1, 0);
    if (n <= 0)
        return UNKNOWN;
    text[n] = 0;
    const char *key = c->is_v2 ? c->v2_key : c->v1_key;
    if (key) {
        size_t len = strlen(key);
        while (strncmp(p, key, len) != 0 || p[len] != ' ') {
            p = strchr(p, '\n');
            if (!p)
                return UNKNOWN;
            p++;
        }
        p += len;
    }
    uint64_t value = strtoull(p, NULL, 10);
    return which == CPU && !c->is_v2 ? value / 1000 : value; /* version 1 has nanoseconds */
}

/* The container's own memory limit. */
static uint64_t memory_limit(void)
{
    static const char *const places[] = {"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"};
    for (size_t i = 0; i < 2; i++) {
        char text[32];
        int fd = open(places[i], O_RDONLY | O_CLOEXEC);
        ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
        if (fd >= 0)
            close(fd);
        if (n > 0) {
            text[n] = 0;
            uint64_t limit = strtoull(text, NULL, 10);
            /* "max", or what version 1 says where there is none. */
            return limit > 0 && limit < (1ull << 50) ? limit : UNKNOWN;
        }
    }
    return UNKNOWN;
}

static uint64_t since(int which, uint64_t before)
{
    uint64_t value = read_counter(which);
    return value == UNKNOWN || before == UNKNOWN ? UNKNOWN : value - before;
}

/* All that can be written to. Each is a tmpfs of at most the disk limit; that their sum keeps it too is watched here. */
static uint64_t disk_used(void)
{
    static const char *const places[] = {"/workspace", "/tmp", "/dev/shm"};
    uint64_t sum = 0;
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        struct statvfs s;
        if (statvfs(places[i], &s) == 0 && s.f_blocks > 0)
            sum += (uint64_t)(s.f_blocks - s.f_bfree) * s.f_frsize;
    }
    return sum;
}

static void usage(unsigned char *to)
{
    uint64_t disk = disk_used(), processes = read_counter(PROCESSES), peak = read_counter(PROCESSES_PEAK);
    if (disk > job.disk_most)
        job.disk_most = disk;
    if (processes != UNKNOWN && processes > job.processes_most)
        job.processes_most = processes;
    put64(to, since(CPU, job.cpu_before));
    put64(to + 8, read_counter(MEMORY));
    put64(to + 16, read_counter(MEMORY_PEAK));
    put64(to + 24, disk);
    put64(to + 32, job.disk_most);
    put64(to + 40, processes);
    put64(to + 48, peak == UNKNOWN ? job.processes_most : peak);
    put64(to + 56, since(OOM, job.oom_before));
    put64(to + 64, since(REFUSED, job.refused_before));
}

/* ---- the worker ---- */

static void pipe_for(int *ours, int *theirs)
{
    int p[2];
    if (pipe2(p, O_CLOEXEC) < 0)
        fail("no pipe: %s", strerror(errno));
    fcntl(p[0], F_SETFL, O_NONBLOCK);
    *ours = p[0];
    *theirs = p[1];
}

static char *base_environment[] = {
    "HOME=/workspace",
    "PATH=" HOME "python/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "LANG=C.UTF-8", "TZ=UTC", "TMPDIR=/tmp", "PWD=/workspace",
    /* A library that starts a thread for each processor of the host meets the process limit. */
    "OPENBLAS_NUM_THREADS=1", "OMP_NUM_THREADS=1",
    NULL,
};

/* Starts the worker with these arguments. `code` becomes its descriptor 5 if it is one. */
static void start(char *const *argv, char *const *environment, uint64_t disk)
{
    int pair[2], out_end, err_end;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
        fail("no socket: %s", strerror(errno));
    pipe_for(&out, &out_end);
    pipe_for(&err, &err_end);
    pid_t pid = fork();
    if (pid < 0)
        fail("no process for the interpreter: %s", strerror(errno));
    if (pid == 0) {
        /* Above every number that is about to be taken. */
        int from[] = {fcntl(input, F_DUPFD, 20), fcntl(out_end, F_DUPFD, 20), fcntl(err_end, F_DUPFD, 20),
                      fcntl(pair[1], F_DUPFD, 20), code_file < 0 ? -1 : fcntl(code_file, F_DUPFD, 20)};
        static const int to[] = {0, 1, 2, 3, 5};
        for (int i = 0; i < 5; i++) {
            if (from[i] >= 0) {
                dup2(from[i], to[i]);
                close(from[i]);
            }
        }
        if (is_shell && !shared)
            close(3);
        sigset_t none;
        sigemptyset(&none);
        sigprocmask(SIG_SETMASK, &none, NULL);
        signal(SIGPIPE, SIG_DFL);
        setsid();
        /* When memory runs out, the kernel takes the code and leaves the runner, which can say so. */
        int score = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
        if (score >= 0) {
            ssize_t ignored = write(score, "1000", 4);
            (void)ignored;
            close(score);
        }
        struct rlimit none_at_all = {0, 0}, files = {open_files, open_files};
        setrlimit(RLIMIT_CORE, &none_at_all);
        setrlimit(RLIMIT_NOFILE, &files);
        if (disk) {
            struct rlimit file = {disk, disk};
            setrlimit(RLIMIT_FSIZE, &file);
        }
        environ = (char **)environment;
        execvp(argv[0], argv);
        dprintf(2, "%s cannot be started in this image: %s\n", argv[0], strerror(errno));
        _exit(127);
    }
    close(out_end);
    close(err_end);
    close(pair[1]);
    worker = pid;
    sock = pair[0];
    fcntl(sock, F_SETFL, O_NONBLOCK);
    ready = 0;
}

static void start_worker(void)
{
    if (strcmp(language, "python") == 0) {
        char *argv[] = {"python3", "-I", HOME "worker.py", (char *)mode, NULL};
        start(argv, base_environment, 0);
    } else if (strcmp(language, "javascript") == 0) {
        /* Node would take a heap of a size of its own, however much memory there is. The kernel holds it to the limit. */
        char heap[48], *argv[6] = {"node", "--single-threaded"};
        int n = 2;
        uint64_t limit = memory_limit();
        if (limit != UNKNOWN) {
            snprintf(heap, sizeof heap, "--max-old-space-size=%llu", (unsigned long long)(limit >> 20));
            argv[n++] = heap;
        }
        argv[n++] = HOME "worker.js";
        argv[n] = (char *)mode;
        start(argv, base_environment, 0);
    } else if (shared) {
        char *argv[] = {"bash", "--norc", "--noprofile", HOME "worker.sh", NULL};
        start(argv, base_environment, 0);
        ready = 1;
    }
}

static void close_worker(void)
{
    int *all[] = {&sock, &out, &err};
    for (int i = 0; i < 3; i++) {
        if (*all[i] >= 0)
            close(*all[i]);
        *all[i] = -1;
    }
    worker = -1;
}

/* Passes on what is there. 0 at the end of the pipe, or when there is nothing at the moment. */
static int pump(int *fd, char kind)
{
    static char buffer[1 << 16];
    if (*fd < 0)
        return 0;
    ssize_t n = read(*fd, buffer, sizeof buffer);
    if (n > 0) {
        frame(kind, buffer, (size_t)n);
        return 1;
    }
    if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
        close(*fd);
        *fd = -1;
    }
    return 0;
}

/* Ends everything in the container but the runner. */
static void kill_all(void)
{
    /* Again and again: a process that was being forked is not in the first round. */
    for (int i = 0; i < 1000; i++) {
        kill(-1, SIGKILL);
        int status;
        struct timespec pause = {0, 1000000};
        pid_t pid = waitpid(-1, &status, WNOHANG);
        if (pid == worker && pid > 0)
            worker_status = status;
        if (pid < 0 && errno == ECHILD)
            return;
        if (pid == 0)
            nanosleep(&pause, NULL);
    }
}

/* ---- artifacts ---- */

static struct {
    uint64_t room;
    uint32_t count, left_out;
} gather;

static void send_file(int fd, uint64_t size, const char *path)
{
    static char buffer[1 << 16];
    unsigned char head[12];
    size_t len = strlen(path);
    put64(head, size);
    put32(head + 8, (uint32_t)len);
    frame_to(1, 'a', head, sizeof head, path, len);
    while (size > 0) {
        ssize_t n = read(fd, buffer, size < sizeof buffer ? size : sizeof buffer);
        if (n <= 0)
            break;
        frame('b', buffer, (size_t)n);
        size -= (uint64_t)n;
    }
}

/* Walks a directory by descriptors alone: no link in it leads anywhere. */
static void walk(int dir, char *path, size_t len, int depth)
{
    DIR *listing = fdopendir(dir);
    if (!listing) {
        close(dir);
        return;
    }
    struct dirent *entry;
    while ((entry = readdir(listing))) {
        const char *name = entry->d_name;
        size_t n = strlen(name);
        struct stat s;
        if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0 ||
            fstatat(dirfd(listing), name, &s, AT_SYMLINK_NOFOLLOW) < 0)
            continue;
        if (!S_ISREG(s.st_mode) && !S_ISDIR(s.st_mode))
            continue;
        if (len + n + 2 > PATH_MAX || (S_ISDIR(s.st_mode) && depth >= MAX_DEPTH)) {
            gather.left_out++;
            continue;
        }
        memcpy(path + len, name, n + 1);
        int flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | (S_ISDIR(s.st_mode) ? O_DIRECTORY : 0);
        int fd = openat(dirfd(listing), name, flags);
        /* What the code made unreadable is its own all the same. */
        if (fd < 0 && errno == EACCES && fchmodat(dirfd(listing), name, 0700, 0) == 0)
            fd = openat(dirfd(listing), name, flags);
        if (fd < 0) {
            gather.left_out++;
            continue;
        }
        if (S_ISDIR(s.st_mode)) {
            path[len + n] = '/';
            walk(fd, path, len + n + 1, depth + 1); /* closes it */
            continue;
        }
        uint64_t size = (uint64_t)s.st_size;
        if (gather.count >= MAX_ARTIFACTS || size > gather.room) {
            gather.left_out++;
        } else {
            gather.count++;
            gather.room -= size;
            send_file(fd, size, path);
        }
        close(fd);
    }
    closedir(listing);
}

/* ---- jobs ---- */

static void end_frame(uint32_t left_out)
{
    unsigned char n[4];
    put32(n, left_out);
    frame('z', n, sizeof n);
}

static void finish(enum how how, int32_t code)
{
    if (how != DONE)
        kill_all();
    /* No more than the pipes can hold: what the code left running in an environment may write without end. */
    for (int i = 0; i < MAX_PUMPS && (pump(&out, 'o') || pump(&err, 'e')); i++) {
    }
    unsigned char exit[8 + 72];
    put32(exit, job.over_disk ? OVER_DISK : job.stopping ? STOPPED : how);
    put32(exit + 4, (uint32_t)code);
    usage(exit + 8);
    frame('x', exit, sizeof exit);
    gather.room = job.artifact_bytes;
    gather.count = gather.left_out = 0;
    if (job.flags & 1) {
        static char path[PATH_MAX];
        int dir = open("/workspace", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (dir >= 0)
            walk(dir, path, 0, 0);
    }
    if (how != DONE) {
        close_worker();
        memset(&job, 0, sizeof job);
        /* `exit` ends the shell of an environment, not the environment. */
        if (is_shell && shared && how == EXITED)
            start_worker();
    }
    end_frame(gather.left_out);
    memset(&job, 0, sizeof job);
}

static void worker_ended(void)
{
    if (!job.running) {
        if (since(OOM, 0) != UNKNOWN && since(OOM, 0) > 0)
            fail("out of memory");
        char text[900];
        ssize_t n = err < 0 ? 0 : read(err, text, sizeof text - 1);
        text[n < 0 ? 0 : n] = 0;
        fail("the interpreter did not start: %s", n > 0 ? text : "it ended without a word");
    }
    if (WIFSIGNALED(worker_status))
        finish(SIGNALED, WTERMSIG(worker_status));
    else
        finish(EXITED, WEXITSTATUS(worker_status));
}

static void reap(void)
{
    struct signalfd_siginfo ignored;
    int status, ended = 0;
    pid_t pid;
    while (read(signals, &ignored, sizeof ignored) > 0) {
    }
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        if (pid == worker) {
            worker_status = status;
            ended = 1;
        }
    }
    if (ended)
        worker_ended();
}

/* What came from the worker and is not a whole frame yet. */
static unsigned char heard[MAX_REPORT + 5];
static size_t heard_len;

static void hear_line(void)
{
    unsigned char *end = memchr(heard, '\n', heard_len);
    if (!end) {
        if (heard_len > 16)
            heard_len = 0;
        return;
    }
    *end = 0;
    int code = atoi((char *)heard);
    heard_len = 0;
    if (job.running)
        finish(DONE, code);
}

static void hear(void)
{
    ssize_t n = read(sock, heard + heard_len, sizeof heard - heard_len);
    if (n <= 0) {
        if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
            close(sock);
            sock = -1;
        }
        return;
    }
    heard_len += (size_t)n;
    if (is_shell) {
        hear_line();
        return;
    }
    size_t at = 0;
    while (heard_len - at >= 5) {
        unsigned char *f = heard + at;
        uint32_t len = get32(f + 1);
        if (len > MAX_REPORT) {
            /* Not ours: the code has found the socket. It has nothing to say there. */
            close(sock);
            sock = -1;
            heard_len = 0;
            return;
        }
        if (heard_len - at < 5 + (size_t)len)
            break;
        at += 5 + len;
        if (f[0] == 'r' && !ready) {
            unsigned char version[4];
            ready = 1;
            put32(version, 1);
            frame('r', version, sizeof version);
        } else if (f[0] == 'p' && job.running && len >= 1 && f[5] >= 1 && f[5] <= 4) {
            frame('p', f + 5, len);
        } else if (f[0] == 'x' && job.running && shared && len == 4) {
            int32_t code = (int32_t)get32(f + 5);
            memmove(heard, heard + at, heard_len - at);
            heard_len -= at;
            at = 0;
            finish(DONE, code);
        }
    }
    memmove(heard, heard + at, heard_len - at);
    heard_len -= at;
}

/* Splits a shell's request into what execve takes. */
static void start_shell(unsigned char *p, size_t len)
{
    unsigned char *end = p + len;
    char **argv, **environment;
    uint32_t n;
    size_t count = 0;
#define TAKE32() ((end - p) < 4 ? (fail("a request was cut short"), 0u) : (p += 4, get32(p - 4)))
    /* Each string is ended where the next one's length stood, once that is read. */
    TAKE32();
    TAKE32();
    char *texts[2];
    for (int i = 0; i < 2; i++) {
        n = TAKE32();
        if ((size_t)(end - p) < n)
            fail("a request was cut short");
        texts[i] = strndup((char *)p, n);
        p += n;
    }
    uint32_t argc = TAKE32();
    argv = calloc((size_t)argc + 8, sizeof *argv);
    /* A single argument of execve's is at most 128 KiB: longer code is read from a file. */
    argv[0] = access("/bin/bash", X_OK) == 0 || access("/usr/bin/bash", X_OK) == 0 ? "bash" : "sh";
    argv[1] = "-c";
    argv[2] = texts[0];
    argv[3] = texts[1];
    count = 4;
    if (strlen(texts[0]) > 100000) {
        code_file = memfd_create("code", MFD_CLOEXEC);
        struct iovec v = {texts[0], strlen(texts[0])};
        write_all(code_file, &v, 1);
        argv[2] = ". /dev/fd/5";
    }
    for (uint32_t i = 0; i < argc; i++) {
        n = TAKE32();
        if ((size_t)(end - p) < n)
            fail("a request was cut short");
        char *arg = strndup((char *)p, n);
        p += n;
        if (i > 0) /* the first one is the file name again */
            argv[count++] = arg;
    }
    uint32_t envc = TAKE32();
    size_t base = sizeof base_environment / sizeof *base_environment - 1;
    environment = calloc((size_t)envc + base + 1, sizeof *environment);
    memcpy(environment, base_environment, base * sizeof *environment);
    for (uint32_t i = 0; i < envc; i++) {
        n = TAKE32();
        if ((size_t)(end - p) < n)
            fail("a request was cut short");
        char *pair = strndup((char *)p, n);
        size_t name = strcspn(pair, "=") + 1, at = 0;
        p += n;
        while (at < base && strncmp(environment[at], pair, name) != 0)
            at++;
        if (at == base) {
            at = base;
            while (environment[at])
                at++;
        }
        environment[at] = pair;
    }
#undef TAKE32
    start(argv, environment, job.disk + (1 << 20));
}

static void begin(uint32_t len)
{
    unsigned char head[32];
    if (len < sizeof head + 8)
        fail("a job was cut short");
    take(head, 28);
    memset(&job, 0, sizeof job);
    job.running = 1;
    job.flags = get32(head);
    uint64_t now = now_ms(), wall = get32(head + 4), every = get32(head + 8);
    job.disk = get64(head + 12);
    job.artifact_bytes = get64(head + 20);
    job.deadline = now + wall + GRACE_MS;
    job.sample_every = every;
    job.next_sample = every ? now + every : UINT64_MAX;
    take(head, 4);
    uint32_t stdin_len = get32(head);
    if (ftruncate(input, 0) < 0 || lseek(input, 0, SEEK_SET) < 0 || take_into(input, stdin_len) < 0 ||
        lseek(input, 0, SEEK_SET) < 0)
        fail("standard input does not fit: %s", strerror(errno));
    take(head, 4);
    uint32_t request_len = get32(head);
    if (request_len > MAX_REQUEST)
        fail("a request of %u bytes is longer than any can be", request_len);
    unsigned char *request = malloc(request_len ? request_len : 1);
    if (!request)
        fail("no memory for a request of %u bytes", request_len);
    take(request, request_len);
    job.cpu_before = read_counter(CPU);
    job.oom_before = read_counter(OOM);
    job.refused_before = read_counter(REFUSED);
    if (is_shell && !shared) {
        start_shell(request, request_len);
    } else {
        struct rlimit file = {job.disk + (1 << 20), RLIM_INFINITY};
        prlimit(worker, RLIMIT_FSIZE, &file, NULL);
        /* The worker waits for nothing else, so this does not block for long; if it does, the engine ends the container. */
        fcntl(sock, F_SETFL, 0);
        if (is_shell) {
            unsigned char *code = request + 12;
            uint32_t code_len = request_len >= 12 ? get32(request + 8) : 0;
            if (code_len > request_len - 12 || ftruncate(code_file, 0) < 0 || lseek(code_file, 0, SEEK_SET) < 0)
                fail("a request was cut short");
            struct iovec v = {code, code_len}, run = {"run\n", 4};
            write_all(code_file, &v, 1);
            write_all(sock, &run, 1);
        } else {
            frame_to(sock, 'q', request, request_len, NULL, 0);
        }
        fcntl(sock, F_SETFL, O_NONBLOCK);
    }
    free(request);
}

/* ---- files that the engine sends ---- */

static int file = -1, file_error;
static char file_path[PATH_MAX];

static void no_file(void)
{
    file_error = errno ? errno : EIO;
    unsigned char head[8];
    put32(head, (uint32_t)file_error);
    put32(head + 4, (uint32_t)strlen(file_path));
    frame_to(1, 'i', head, sizeof head, file_path, strlen(file_path));
}

static void new_file(uint32_t len)
{
    unsigned char head[8];
    if (len < 8 || len - 8 >= sizeof file_path)
        fail("a file was cut short");
    take(head, 8);
    take(file_path, len - 8);
    file_path[len - 8] = 0;
    if (file >= 0)
        close(file);
    file = -1;
    for (char *p = file_path; (p = strchr(p, '/')); p++) {
        *p = 0;
        int made = mkdir(file_path, 0755);
        *p = '/';
        if (made < 0 && errno != EEXIST) {
            no_file();
            return;
        }
    }
    unlink(file_path);
    file = open(file_path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, get32(head) & 0777);
    if (file < 0)
        no_file();
}

/* One frame of the engine's. */
static void obey(void)
{
    unsigned char head[5];
    take(head, sizeof head);
    uint32_t len = get32(head + 1);
    switch (head[0]) {
    case 'f':
        new_file(len);
        break;
    case 'd':
        if (take_into(file, len) < 0 && file >= 0) {
            no_file();
            close(file);
            file = -1;
        }
        break;
    case 'j':
        if (file >= 0)
            close(file);
        file = -1;
        if (file_error) {
            take_into(-1, len);
            file_error = 0;
            end_frame(0);
            break;
        }
        if (job.running || !(is_shell || ready))
            fail("a job came before the last one was done");
        begin(len);
        break;
    case 's':
        take_into(-1, len);
        if (job.running && worker > 0) {
            job.stopping = 1;
            kill_all();
            worker_ended();
        }
        break;
    default:
        fail("a frame of kind %u is not in the protocol", head[0]);
    }
}

static void watch(void)
{
    uint64_t now = now_ms();
    if (now > job.deadline)
        _exit(3);
    uint64_t disk = disk_used(), processes = read_counter(PROCESSES);
    if (disk > job.disk_most)
        job.disk_most = disk;
    if (processes != UNKNOWN && processes > job.processes_most)
        job.processes_most = processes;
    if (now >= job.next_sample) {
        unsigned char sample[72];
        usage(sample);
        frame('u', sample, sizeof sample);
        job.next_sample = now + job.sample_every;
    }
    /* A page for each of the three, which an empty directory may take. */
    if (job.disk && disk > job.disk + 3 * 4096) {
        job.over_disk = 1;
        kill_all();
        worker_ended();
    }
}

int main(int argc, char **argv)
{
    if (argc != 4 || (open_files = strtoul(argv[3], NULL, 10)) == 0) {
        fprintf(stderr, "usage: runner python|javascript|shell cold|warm|shared OPEN_FILES\n");
        return 2;
    }
    /* It ends every process that it can reach: that must be those of its own container. */
    if (getpid() != 1) {
        fprintf(stderr, "runner: runs as process 1 of a container only\n");
        return 2;
    }
    language = argv[1];
    mode = argv[2];
    is_shell = strcmp(language, "shell") == 0;
    shared = strcmp(mode, "shared") == 0;
    prctl(PR_SET_DUMPABLE, 0);
    signal(SIGPIPE, SIG_IGN);
    sigset_t child;
    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    sigprocmask(SIG_BLOCK, &child, NULL);
    signals = signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK);
    input = memfd_create("stdin", MFD_CLOEXEC);
    if (signals < 0 || input < 0)
        fail("this kernel has no signalfd or memfd: %s", strerror(errno));
    umask(022);
    if (chdir("/workspace") < 0)
        fail("/workspace: %s", strerror(errno));
    if (is_shell && shared)
        code_file = memfd_create("code", MFD_CLOEXEC);
    open_counters();
    start_worker();
    if (is_shell) {
        unsigned char version[4];
        put32(version, 1);
        frame('r', version, sizeof version);
    }
    for (;;) {
        enum { ENGINE, SIGNALS, WORKER, OUT, ERR };
        struct pollfd fds[] = {
            {0, POLLIN, 0}, {signals, POLLIN, 0}, {sock, POLLIN, 0}, {out, POLLIN, 0}, {err, POLLIN, 0},
        };
        /* Before it is ready, what the interpreter prints is kept for the report that it did not start. */
        if (!job.running)
            fds[OUT].fd = fds[ERR].fd = -1;
        int n = poll(fds, 5, job.running ? WATCH_MS : -1);
        if (n < 0 && errno != EINTR)
            fail("poll: %s", strerror(errno));
        if (job.running)
            watch();
        if (n <= 0)
            continue;
        if (fds[OUT].revents)
            pump(&out, 'o');
        if (fds[ERR].revents)
            pump(&err, 'e');
        if (fds[WORKER].revents && fds[WORKER].fd == sock && sock >= 0)
            hear();
        if (fds[SIGNALS].revents)
            reap();
        if (fds[ENGINE].revents)
            obey();
    }
}
