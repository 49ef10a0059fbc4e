// The load generator of `npm run bench`: clients and workers of one job server, in one
// thread, on epoll, so that the server is what limits. It speaks the Gearman protocol and
// knows nothing about who serves it. Compiled by the command; needs Linux.
//
// Usage: load name=value ... (the options below). Prints one line of JSON. The server's
// CPU is read from /proc/<pid>/stat at both ends of the very window in which jobs are counted.
//
// Each connection writes once per turn of the loop, whatever it has to say.

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { CAN_DO = 1, PRE_SLEEP = 4, NOOP = 6, SUBMIT_JOB = 7, JOB_CREATED = 8, NO_JOB = 10,
       WORK_COMPLETE = 13, SUBMIT_JOB_BG = 18, SERVER_ERROR = 19, GRAB_JOB_UNIQ = 30, JOB_ASSIGN_UNIQ = 31 };

enum mode { FOREGROUND, BACKGROUND, MERGED, FILL, DRAIN, IDLE };

static struct {
  enum mode mode;
  int port, pid;
  int outstanding;        // jobs under way at once, where no rate is given
  int clients, workers;   // connections
  int payload;            // bytes, at least 8; the result is as long
  int functions;          // jobs go to them in turn; every worker serves them all
  int listeners;          // callers of one unique, in mode merged
  long count;             // jobs to fill or drain, connections to hold idle
  bool uniques;           // in mode fill: each job has one of its own, as long as a UUID
  double rate;            // jobs per second, or 0 for as many as go
  double warmup, seconds; // before the window, and the window
  const char *prefix;     // of the functions' names
} option = { FOREGROUND, 4730, 0, 10, 10, 10, 10, 1, 100, 1000000, false, 0, 0.5, 1.5, "bench" };

struct connection {
  int fd;
  bool dirty, wants_write;
  uint8_t *input; size_t input_length, input_capacity;
  uint8_t *output; size_t output_start, output_length, output_capacity;
  // Of a client in mode merged: the groups whose JOB_CREATED it waits for, in order.
  uint32_t *awaited; size_t awaited_first, awaited_count, awaited_capacity;
};

// One unique and its callers: a worker that has the job keeps it until all have joined.
struct group { int created, completed; struct connection *worker; uint8_t *answer; size_t answer_length; };

static int epoll_fd;
static struct connection *connections;
static int connection_count;
static struct connection **dirty;
static int dirty_count;
static struct group *groups;
static uint32_t group_count, group_capacity;

static uint64_t submitted, created, completed; // by callers; a background job by its worker
static uint64_t *started;                      // when job i was due, by i modulo its size
static const uint64_t started_size = 1 << 20;
static const uint64_t enough_jobs = 200;
static uint32_t *latencies;
static size_t latency_count, latency_capacity;
static uint64_t longest_gap, last_heard; // between jobs taken, or handed out where none are given
static bool measuring;
static uint8_t *workload;

static _Noreturn void fail(const char *what) {
  fprintf(stderr, "load: %s%s%s\n", what, errno ? ": " : "", errno ? strerror(errno) : "");
  exit(1);
}

static void *grow(void *old, size_t *capacity, size_t needed, size_t item) {
  if (needed <= *capacity) return old;
  size_t next = *capacity ? *capacity : 1024;
  while (next < needed) next *= 2;
  *capacity = next;
  void *grown = realloc(old, next * item);
  if (!grown) fail("out of memory");
  return grown;
}

static uint64_t now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static double server_cpu_seconds(void) {
  if (!option.pid) return 0;
  char path[64], line[1024];
  snprintf(path, sizeof path, "/proc/%d/stat", option.pid);
  FILE *file = fopen(path, "r");
  if (!file || !fgets(line, sizeof line, file)) fail("cannot read the server's CPU");
  fclose(file);
  unsigned long user = 0, system = 0;
  sscanf(strrchr(line, ')') + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &system);
  return (double)(user + system) / (double)sysconf(_SC_CLK_TCK);
}

static double own_cpu_seconds(void) {
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
         (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

// --- Bytes out

static void watch(struct connection *c) {
  struct epoll_event event = { .events = EPOLLIN | (c->wants_write ? EPOLLOUT : 0), .data.ptr = c };
  if (epoll_ctl(epoll_fd, EPOLL_CTL_MOD, c->fd, &event) < 0) fail("epoll_ctl");
}

static void put(struct connection *c, const void *bytes, size_t length) {
  c->output = grow(c->output, &c->output_capacity, c->output_length + length, 1);
  memcpy(c->output + c->output_length, bytes, length);
  c->output_length += length;
  if (!c->dirty) { c->dirty = true; dirty[dirty_count++] = c; }
}

static void put_header(struct connection *c, uint32_t type, size_t length) {
  uint32_t header[3];
  memcpy(header, "\0REQ", 4);
  header[1] = htonl(type);
  header[2] = htonl((uint32_t)length);
  put(c, header, 12);
}

static void flush(struct connection *c) {
  while (c->output_start < c->output_length) {
    ssize_t sent = send(c->fd, c->output + c->output_start, c->output_length - c->output_start, MSG_NOSIGNAL);
    if (sent < 0) {
      if (errno != EAGAIN) fail("the server closed a connection");
      if (!c->wants_write) { c->wants_write = true; watch(c); }
      return;
    }
    c->output_start += (size_t)sent;
  }
  c->output_start = c->output_length = 0;
  if (c->wants_write) { c->wants_write = false; watch(c); }
}

static void flush_dirty(void) {
  for (int i = 0; i < dirty_count; i++) { dirty[i]->dirty = false; flush(dirty[i]); }
  dirty_count = 0;
}

// --- What clients and workers say

static void submit(struct connection *c, uint64_t due) {
  uint64_t job = submitted++;
  char name[64], unique[64];
  size_t name_length = (size_t)snprintf(name, sizeof name, "%s%d", option.prefix, (int)(job % (uint64_t)option.functions)) + 1;
  size_t unique_length = 1;
  unique[0] = 0;
  if (option.mode == MERGED) {
    uint32_t group = (uint32_t)(job / (uint64_t)option.listeners);
    if (group >= group_count) {
      size_t capacity = group_capacity;
      groups = grow(groups, &capacity, group + 1, sizeof *groups);
      group_capacity = (uint32_t)capacity;
      memset(groups + group, 0, sizeof *groups);
      group_count = group + 1;
    }
    unique_length = (size_t)snprintf(unique, sizeof unique, "%u", group) + 1;
    c->awaited = grow(c->awaited, &c->awaited_capacity, c->awaited_first + c->awaited_count + 1, sizeof *c->awaited);
    c->awaited[c->awaited_first + c->awaited_count++] = group;
    name_length = (size_t)snprintf(name, sizeof name, "%s0", option.prefix) + 1;
  }
  if (option.uniques)
    unique_length = (size_t)snprintf(unique, sizeof unique, "00000000-0000-4000-8000-%012llu", (unsigned long long)job) + 1;
  started[job % started_size] = due;
  memcpy(workload, &job, sizeof job);
  bool background = option.mode == BACKGROUND || option.mode == FILL;
  put_header(c, background ? SUBMIT_JOB_BG : SUBMIT_JOB, name_length + unique_length + (size_t)option.payload);
  put(c, name, name_length);
  put(c, unique, unique_length);
  put(c, workload, (size_t)option.payload);
}

static void finished(uint64_t job) {
  completed++;
  if (!measuring) return;
  uint64_t took = now() - started[job % started_size];
  if (latency_count < latency_capacity) latencies[latency_count++] = took > UINT32_MAX ? UINT32_MAX : (uint32_t)took;
}

static void answer(struct connection *worker, const uint8_t *bytes, size_t length) {
  put_header(worker, WORK_COMPLETE, length);
  put(worker, bytes, length);
  put_header(worker, GRAB_JOB_UNIQ, 0);
}

static void answer_group(struct group *group) {
  if (!group->worker || group->created < option.listeners) return;
  answer(group->worker, group->answer, group->answer_length);
  free(group->answer);
  group->worker = NULL;
}

static const uint8_t *after_nul(const uint8_t *from, const uint8_t *end) {
  const uint8_t *nul = memchr(from, 0, (size_t)(end - from));
  if (!nul) { errno = 0; fail("a packet lacks a field"); }
  return nul + 1;
}

static void heard(void) {
  uint64_t time = now();
  if (last_heard && time - last_heard > longest_gap) longest_gap = time - last_heard;
  last_heard = time;
}

static struct connection *next_client(void) {
  static int turn;
  return &connections[turn++ % option.clients];
}

static bool resubmits(void) { return option.rate == 0 && option.mode <= MERGED; }

static void received(struct connection *c, uint32_t type, const uint8_t *body, size_t length) {
  const uint8_t *end = body + length;
  switch (type) {
  case JOB_CREATED: {
    created++;
    heard();
    if (option.mode == MERGED) {
      struct group *group = &groups[c->awaited[c->awaited_first++]];
      c->awaited_count--;
      if (c->awaited_count == 0) c->awaited_first = 0;
      group->created++;
      answer_group(group);
    }
    if (option.mode == FILL && submitted < (uint64_t)option.count) submit(c, 0);
    break;
  }
  case WORK_COMPLETE: {
    const uint8_t *data = after_nul(body, end);
    uint64_t job = 0;
    // Not every worker gives back what it was given.
    if ((size_t)(end - data) >= sizeof job) memcpy(&job, data, sizeof job);
    finished(job);
    // A group's callers each have the same result, of the job of the first of them.
    if (resubmits()) submit(c, now());
    break;
  }
  case JOB_ASSIGN_UNIQ: {
    if (option.mode == DRAIN) heard();
    const uint8_t *unique = after_nul(after_nul(body, end), end);
    const uint8_t *work = after_nul(unique, end);
    size_t handle_length = strlen((const char *)body) + 1;
    size_t work_length = (size_t)(end - work);
    uint8_t result[handle_length + work_length];
    memcpy(result, body, handle_length);
    memcpy(result + handle_length, work, work_length);
    if (option.mode == MERGED) {
      struct group *group = &groups[strtoul((const char *)unique, NULL, 10)];
      group->worker = c;
      group->answer_length = handle_length + work_length;
      group->answer = malloc(group->answer_length);
      memcpy(group->answer, result, group->answer_length);
      answer_group(group);
      break;
    }
    answer(c, result, handle_length + work_length);
    if (option.mode == BACKGROUND || option.mode == DRAIN) {
      uint64_t job;
      memcpy(&job, work, sizeof job);
      finished(job);
      if (resubmits()) submit(next_client(), now());
    }
    break;
  }
  case NO_JOB: put_header(c, PRE_SLEEP, 0); break;
  case NOOP: put_header(c, GRAB_JOB_UNIQ, 0); break;
  case SERVER_ERROR:
    errno = 0;
    fprintf(stderr, "load: %.*s\n", (int)length, (const char *)body);
    fail("the server answered ERROR");
  default:
    errno = 0;
    fprintf(stderr, "load: type %u\n", type);
    fail("unexpected packet");
  }
}

static void readable(struct connection *c) {
  c->input = grow(c->input, &c->input_capacity, c->input_length + 65536, 1);
  ssize_t got = recv(c->fd, c->input + c->input_length, c->input_capacity - c->input_length, 0);
  if (got == 0) { errno = 0; fail("the server closed a connection"); }
  if (got < 0) { if (errno == EAGAIN) return; fail("recv"); }
  c->input_length += (size_t)got;
  size_t at = 0;
  while (c->input_length - at >= 12) {
    uint32_t type, length;
    memcpy(&type, c->input + at + 4, 4);
    memcpy(&length, c->input + at + 8, 4);
    length = ntohl(length);
    if (c->input_length - at - 12 < length) break;
    received(c, ntohl(type), c->input + at + 12, length);
    at += 12 + length;
  }
  memmove(c->input, c->input + at, c->input_length - at);
  c->input_length -= at;
}

// --- The loop

static void turn(int64_t timeout_nanos) {
  struct epoll_event events[256];
  struct timespec timeout = { timeout_nanos / 1000000000, timeout_nanos % 1000000000 };
  flush_dirty();
  int count = epoll_pwait2(epoll_fd, events, 256, timeout_nanos < 0 ? NULL : &timeout, NULL);
  if (count < 0 && errno != EINTR) fail("epoll_wait");
  for (int i = 0; i < count; i++) {
    struct connection *c = events[i].data.ptr;
    if (events[i].events & EPOLLOUT) flush(c);
    if (events[i].events & ~(uint32_t)EPOLLOUT) readable(c);
  }
  flush_dirty();
}

// Latency is counted from when a job was due, so that a late one does not hide those behind it.
static void run_until(uint64_t end) {
  static double due;
  if (option.rate > 0 && due == 0) due = (double)now();
  for (;;) {
    uint64_t time = now();
    if (time >= end) return;
    uint64_t wake = end;
    if (option.rate > 0) {
      while (due <= (double)time) { submit(next_client(), (uint64_t)due); due += 1e9 / option.rate; }
      if ((uint64_t)due < wake) wake = (uint64_t)due;
    }
    turn((int64_t)(wake - time));
  }
}

static void open_connection(struct connection *c, bool is_worker) {
  struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons((uint16_t)option.port),
                                 .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
  int yes = 1;
  c->fd = socket(AF_INET, SOCK_STREAM, 0);
  if (c->fd < 0 || connect(c->fd, (struct sockaddr *)&address, sizeof address) < 0) fail("cannot connect");
  setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  fcntl(c->fd, F_SETFL, O_NONBLOCK);
  struct epoll_event event = { .events = EPOLLIN, .data.ptr = c };
  if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, c->fd, &event) < 0) fail("epoll_ctl");
  if (!is_worker) return;
  for (int i = 0; i < option.functions; i++) {
    char name[64];
    int length = snprintf(name, sizeof name, "%s%d", option.prefix, i);
    put_header(c, CAN_DO, (size_t)length);
    put(c, name, (size_t)length);
  }
  put_header(c, GRAB_JOB_UNIQ, 0);
}

static int by_size(const void *a, const void *b) {
  uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;
  return left < right ? -1 : left > right;
}

static double percentile_micros(double part) {
  return latency_count ? latencies[(size_t)((double)(latency_count - 1) * part)] / 1e3 : 0;
}

static void set(const char *text) {
  const char *value = strchr(text, '=');
  static const char *modes[] = { "foreground", "background", "merged", "fill", "drain", "idle" };
  if (!value++) { errno = 0; fail("options are written name=value"); }
#define IS(name) (strncmp(text, name "=", sizeof name) == 0)
  if (IS("mode")) { for (int i = 0; i < 6; i++) if (!strcmp(value, modes[i])) option.mode = (enum mode)i; }
  else if (IS("port")) option.port = atoi(value);
  else if (IS("pid")) option.pid = atoi(value);
  else if (IS("outstanding")) option.outstanding = atoi(value);
  else if (IS("clients")) option.clients = atoi(value);
  else if (IS("workers")) option.workers = atoi(value);
  else if (IS("payload")) option.payload = atoi(value);
  else if (IS("functions")) option.functions = atoi(value);
  else if (IS("listeners")) option.listeners = atoi(value);
  else if (IS("count")) option.count = atol(value);
  else if (IS("uniques")) option.uniques = atoi(value) != 0;
  else if (IS("rate")) option.rate = atof(value);
  else if (IS("warmup")) option.warmup = atof(value);
  else if (IS("seconds")) option.seconds = atof(value);
  else if (IS("prefix")) option.prefix = value;
  else { errno = 0; fprintf(stderr, "load: %s\n", text); fail("unknown option"); }
}

int main(int argc, char **argv) {
  for (int i = 1; i < argc; i++) set(argv[i]);
  if (option.mode == FILL) option.workers = 0;
  if (option.mode == DRAIN) option.clients = 0;
  if (option.mode == IDLE) { option.clients = (int)option.count; option.workers = 0; }
  epoll_fd = epoll_create1(0);
  connection_count = option.clients + option.workers;
  connections = calloc((size_t)connection_count, sizeof *connections);
  dirty = calloc((size_t)connection_count, sizeof *dirty);
  started = calloc(started_size, sizeof *started);
  latency_capacity = 4000000;
  latencies = malloc(latency_capacity * sizeof *latencies);
  workload = malloc((size_t)option.payload);
  memset(workload, 'x', (size_t)option.payload);

  for (int i = 0; i < connection_count; i++) open_connection(&connections[i], i >= option.clients);
  if (option.mode == IDLE) {
    // Whoever started this measures now, and closes our input when done.
    printf("{\"connections\":%d}\n", connection_count);
    fflush(stdout);
    while (getchar() != EOF) {}
    return 0;
  }

  uint64_t start = now();
  double cpu, own;
  if (option.mode == FILL || option.mode == DRAIN) {
    cpu = server_cpu_seconds();
    own = own_cpu_seconds();
    if (option.mode == FILL)
      for (int i = 0; i < option.outstanding && i < option.count; i++) submit(next_client(), 0);
    uint64_t deadline = start + 600000000000u;
    while ((option.mode == FILL ? created : completed) < (uint64_t)option.count) {
      turn(1000000000);
      if (now() > deadline) { errno = 0; fail("not done within ten minutes"); }
    }
    // The last answers have left, but the server may still hold them unread.
    if (option.mode == DRAIN) completed = (uint64_t)option.count;
  } else {
    if (option.rate == 0)
      for (int i = 0; i < option.outstanding; i++) submit(next_client(), now());
    run_until(start + (uint64_t)(option.warmup * 1e9));
    completed = 0; measuring = true; longest_gap = 0;
    cpu = server_cpu_seconds();
    own = own_cpu_seconds();
    start = now();
    run_until(start + (uint64_t)(option.seconds * 1e9));
    // On a machine that others keep busy the window may have held next to nothing.
    for (int more = 1; completed < enough_jobs && more < 20; more++)
      run_until(start + (uint64_t)(option.seconds * 1e9 * (more + 1)));
  }
  double seconds = (double)(now() - start) / 1e9;
  cpu = server_cpu_seconds() - cpu;
  own = own_cpu_seconds() - own;
  uint64_t jobs = option.mode == FILL ? created : completed;
  qsort(latencies, latency_count, sizeof *latencies, by_size);
  printf("{\"jobs\":%llu,\"seconds\":%.4f,\"serverCpuSeconds\":%.2f,\"loadCpuSeconds\":%.3f,"
         "\"p50Micros\":%.1f,\"p99Micros\":%.1f,\"longestGapMillis\":%.2f}\n",
         (unsigned long long)jobs, seconds, cpu, own, percentile_micros(0.5), percentile_micros(0.99),
         (double)longest_gap / 1e6);
  return 0;
}
