/*
 * A libgearman worker for map and reduce: `split` hands each word of its workload to the
 * reducer as a job of its own and joins the results; `shout` is such a reducer. Which of
 * the two it serves is its second argument, since a worker that waits for its own jobs
 * must leave them to another.
 */
#include <ctype.h>
#include <libgearman/gearman.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static gearman_return_t split(gearman_job_st *job, void *context) {
  const char *workload = gearman_job_workload(job);
  size_t size = gearman_job_workload_size(job), start = 0;
  (void)context;
  for (size_t at = 0; at <= size; at++) {
    if (at < size && workload[at] != ' ') continue;
    if (gearman_failed(gearman_job_send_data(job, workload + start, at - start))) return GEARMAN_ERROR;
    start = at + 1;
  }
  return GEARMAN_SUCCESS;
}

static gearman_return_t join(gearman_aggregator_st *aggregator, gearman_task_st *task, gearman_result_st *result) {
  char joined[1024];
  size_t used = 0;
  (void)aggregator;
  for (gearman_task_st *each = task; each; each = gearman_next(each)) {
    gearman_result_st *part = gearman_task_result(each);
    size_t size = gearman_result_size(part);
    if (used + size > sizeof joined) return GEARMAN_ERROR;
    memcpy(joined + used, gearman_result_value(part), size);
    used += size;
  }
  return gearman_result_store_value(result, joined, used);
}

static gearman_return_t shout(gearman_job_st *job, void *context) {
  const char *workload = gearman_job_workload(job);
  size_t size = gearman_job_workload_size(job);
  char *result = malloc(size + 1);
  (void)context;
  for (size_t at = 0; at < size; at++) result[at] = (char)toupper((unsigned char)workload[at]);
  result[size] = '!';
  gearman_return_t ret = gearman_job_send_data(job, result, size + 1);
  free(result);
  return ret;
}

int main(int argc, char **argv) {
  if (argc < 3) return 2;
  gearman_worker_st *worker = gearman_worker_create(NULL);
  gearman_worker_add_server(worker, "127.0.0.1", (in_port_t)atoi(argv[1]));
  gearman_function_t function = strcmp(argv[2], "split") == 0 ? gearman_function_create_partition(split, join)
                                                              : gearman_function_create(shout);
  gearman_worker_define_function(worker, argv[2], strlen(argv[2]), function, 0, NULL);
  for (;;) {
    if (gearman_failed(gearman_worker_work(worker))) usleep(50000);
  }
}
