/* A libgearman worker, serving the functions every worker of the interoperability tests serves. */
#include <ctype.h>
#include <libgearman/gearman.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void *copy(const char *text, size_t *size) {
  *size = strlen(text);
  return strdup(text);
}

static void *upper(gearman_job_st *job, void *context, size_t *size, gearman_return_t *ret) {
  const char *workload = gearman_job_workload(job);
  (void)context;
  *size = gearman_job_workload_size(job);
  char *result = malloc(*size + 1);
  for (size_t at = 0; at < *size; at++) {
    unsigned char c = (unsigned char)workload[at];
    result[at] = (char)(c < 128 ? toupper(c) : c);
  }
  *ret = GEARMAN_SUCCESS;
  return result;
}

static void *progress(gearman_job_st *job, void *context, size_t *size, gearman_return_t *ret) {
  (void)context;
  gearman_job_send_status(job, 1, 2);
  gearman_job_send_data(job, "part", 4);
  gearman_job_send_warning(job, "careful", 7);
  gearman_job_send_status(job, 2, 2);
  *ret = GEARMAN_SUCCESS;
  return copy("done", size);
}

static void *fail(gearman_job_st *job, void *context, size_t *size, gearman_return_t *ret) {
  (void)job;
  (void)context;
  *size = 0;
  *ret = GEARMAN_WORK_FAIL;
  return NULL;
}

static void *raise_exception(gearman_job_st *job, void *context, size_t *size, gearman_return_t *ret) {
  (void)context;
  gearman_job_send_exception(job, "boom", 4);
  *size = 0;
  *ret = GEARMAN_SUCCESS;
  return NULL;
}

static void *zero(gearman_job_st *job, void *context, size_t *size, gearman_return_t *ret) {
  (void)job;
  (void)context;
  *ret = GEARMAN_SUCCESS;
  return copy("0", size);
}

static void *empty(gearman_job_st *job, void *context, size_t *size, gearman_return_t *ret) {
  (void)job;
  (void)context;
  *ret = GEARMAN_SUCCESS;
  *size = 0;
  return NULL;
}

int main(int argc, char **argv) {
  if (argc < 2) return 2;
  gearman_worker_st *worker = gearman_worker_create(NULL);
  gearman_worker_add_server(worker, "127.0.0.1", (in_port_t)atoi(argv[1]));
  gearman_worker_add_function(worker, "upper", 0, upper, NULL);
  gearman_worker_add_function(worker, "progress", 0, progress, NULL);
  gearman_worker_add_function(worker, "fail", 0, fail, NULL);
  gearman_worker_add_function(worker, "raise", 0, raise_exception, NULL);
  gearman_worker_add_function(worker, "zero", 0, zero, NULL);
  gearman_worker_add_function(worker, "empty", 0, empty, NULL);
  gearman_worker_set_identifier(worker, "worker-in-c", strlen("worker-in-c"));
  puts("ready");
  fflush(stdout);
  for (;;) {
    if (gearman_failed(gearman_worker_work(worker))) usleep(50000);
  }
}
