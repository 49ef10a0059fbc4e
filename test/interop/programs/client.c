/* A libgearman client: `client PORT MODE FUNCTION [UNIQUE]`, the workload on standard input. */
#include <libgearman/gearman.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static gearman_return_t on_status(gearman_task_st *task) {
  printf("status %u/%u\n", gearman_task_numerator(task), gearman_task_denominator(task));
  return GEARMAN_SUCCESS;
}

static void print(const char *what, gearman_task_st *task) {
  printf("%s %.*s\n", what, (int)gearman_task_data_size(task), (const char *)gearman_task_data(task));
}

static gearman_return_t on_data(gearman_task_st *task) {
  print("data", task);
  return GEARMAN_SUCCESS;
}

static gearman_return_t on_warning(gearman_task_st *task) {
  print("warning", task);
  return GEARMAN_SUCCESS;
}

static gearman_return_t on_complete(gearman_task_st *task) {
  print("complete", task);
  return GEARMAN_SUCCESS;
}

static gearman_return_t on_exception(gearman_task_st *task) {
  (void)task;
  puts("exception");
  return GEARMAN_SUCCESS;
}

static gearman_return_t on_fail(gearman_task_st *task) {
  (void)task;
  puts("fail");
  return GEARMAN_SUCCESS;
}

static char *read_all(FILE *file, size_t *size) {
  size_t capacity = 65536;
  char *bytes = malloc(capacity);
  *size = 0;
  for (size_t got; (got = fread(bytes + *size, 1, capacity - *size, file)) > 0;) {
    *size += got;
    if (*size == capacity) bytes = realloc(bytes, capacity *= 2);
  }
  return bytes;
}

int main(int argc, char **argv) {
  if (argc < 4) return 2;
  const char *mode = argv[2], *function = argv[3], *unique = argc > 4 ? argv[4] : NULL;
  size_t size, result_size = 0;
  char *workload = read_all(stdin, &size);
  gearman_return_t ret = GEARMAN_SUCCESS;
  gearman_client_st *client = gearman_client_create(NULL);
  gearman_client_add_server(client, "127.0.0.1", (in_port_t)atoi(argv[1]));
  gearman_client_set_timeout(client, 20000);

  if (strcmp(mode, "do") == 0 || strcmp(mode, "high") == 0 || strcmp(mode, "low") == 0) {
    void *(*call)(gearman_client_st *, const char *, const char *, const void *, size_t, size_t *, gearman_return_t *) =
        mode[0] == 'd' ? gearman_client_do : mode[0] == 'h' ? gearman_client_do_high : gearman_client_do_low;
    void *result = call(client, function, unique, workload, size, &result_size, &ret);
    if (gearman_success(ret)) {
      fwrite(result, 1, result_size, stdout);
      return 0;
    }
    fprintf(stderr, "%s\n", ret == GEARMAN_WORK_FAIL ? "fail" : gearman_strerror(ret));
    return 1;
  }

  if (strcmp(mode, "background") == 0) {
    gearman_job_handle_t handle;
    bool known, running;
    ret = gearman_client_do_background(client, function, unique, workload, size, handle);
    if (gearman_failed(ret)) return 1;
    printf("%s\n", handle);
    ret = gearman_client_job_status(client, handle, &known, &running, NULL, NULL);
    printf("known %d running %d\n", known, running);
    if (unique != NULL) {
      gearman_status_t status = gearman_client_unique_status(client, unique, strlen(unique));
      printf("known %d running %d\n", gearman_status_is_known(status), gearman_status_is_running(status));
    }
    return gearman_failed(ret);
  }

  if (strcmp(mode, "echo") == 0) {
    ret = gearman_client_echo(client, workload, size);
    puts(gearman_strerror(ret));
    return gearman_failed(ret);
  }

  if (strcmp(mode, "exceptions") == 0 && !gearman_client_set_server_option(client, "exceptions", 10)) return 3;
  gearman_client_set_status_fn(client, on_status);
  gearman_client_set_data_fn(client, on_data);
  gearman_client_set_warning_fn(client, on_warning);
  gearman_client_set_complete_fn(client, on_complete);
  gearman_client_set_exception_fn(client, on_exception);
  gearman_client_set_fail_fn(client, on_fail);
  if (gearman_client_add_task(client, NULL, NULL, function, unique, workload, size, &ret) == NULL) return 1;
  gearman_client_run_tasks(client);
  return 0;
}
