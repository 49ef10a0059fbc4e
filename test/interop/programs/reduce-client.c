/* A libgearman client that has a workload split and reduced: `reduce-client PORT WORKLOAD`. */
#include <libgearman/gearman.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(int argc, char **argv) {
  if (argc < 3) return 2;
  gearman_client_st *client = gearman_client_create(NULL);
  gearman_client_add_server(client, "127.0.0.1", (in_port_t)atoi(argv[1]));
  gearman_client_set_timeout(client, 20000);
  gearman_argument_t workload = gearman_argument_make(NULL, 0, argv[2], strlen(argv[2]));
  gearman_task_st *task =
      gearman_execute_by_partition(client, "split", 5, "shout", 5, NULL, 0, NULL, &workload, NULL);
  if (task == NULL || gearman_failed(gearman_task_return(task))) {
    fprintf(stderr, "%s\n", task == NULL ? gearman_client_error(client) : gearman_strerror(gearman_task_return(task)));
    return 1;
  }
  gearman_result_st *result = gearman_task_result(task);
  printf("%.*s\n", (int)gearman_result_size(result), gearman_result_value(result));
  return 0;
}
