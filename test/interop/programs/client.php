<?php
// PHP's GearmanClient: `client.php PORT MODE FUNCTION [UNIQUE]`, the workload on standard input.
[, $port, $mode, $function] = $argv;
$unique = $argv[4] ?? null;
$workload = stream_get_contents(STDIN);
$client = new GearmanClient();
$client->addServer('127.0.0.1', (int) $port, $mode === 'exceptions');
$client->setTimeout(20000);

switch ($mode) {
    case 'do':
    case 'high':
    case 'low':
        $method = ['do' => 'doNormal', 'high' => 'doHigh', 'low' => 'doLow'][$mode];
        $result = @$client->$method($function, $workload, $unique);
        if ($client->returnCode() === GEARMAN_SUCCESS) {
            echo $result;
            exit(0);
        }
        fwrite(STDERR, $client->returnCode() === GEARMAN_WORK_FAIL ? "fail\n" : $client->error() . "\n");
        exit(1);
    case 'background':
        $handle = $client->doBackground($function, $workload, $unique);
        echo "$handle\n";
        [$known, $running] = $client->jobStatus($handle);
        echo 'known ', (int) $known, ' running ', (int) $running, "\n";
        if ($unique !== null) {
            [$known, $running] = $client->jobStatusByUniqueKey($unique);
            echo 'known ', (int) $known, ' running ', (int) $running, "\n";
        }
        exit(0);
}
$client->setStatusCallback(function ($task) {
    echo 'status ', $task->taskNumerator(), '/', $task->taskDenominator(), "\n";
});
$client->setDataCallback(function ($task) {
    echo 'data ', $task->data(), "\n";
});
$client->setWarningCallback(function ($task) {
    echo 'warning ', $task->data(), "\n";
});
$client->setCompleteCallback(function ($task) {
    echo 'complete ', $task->data(), "\n";
});
$client->setFailCallback(function () {
    echo "fail\n";
});
$client->setExceptionCallback(function ($task) {
    echo "exception\n";
});
$client->addTask($function, $workload, null, $unique);
@$client->runTasks();
