<?php
// PHP's GearmanWorker, serving the functions every worker of the interoperability tests serves.
$worker = new GearmanWorker();
$worker->addServer('127.0.0.1', (int) $argv[1]);
$worker->addFunction('upper', fn (GearmanJob $job) => strtoupper($job->workload()));
$worker->addFunction('progress', function (GearmanJob $job) {
    $job->sendStatus(1, 2);
    $job->sendData('part');
    $job->sendWarning('careful');
    $job->sendStatus(2, 2);
    return 'done';
});
$worker->addFunction('fail', function (GearmanJob $job) {
    $job->sendFail();
});
$worker->addFunction('raise', function (GearmanJob $job) {
    $job->sendException('boom');
});
$worker->addFunction('zero', fn (GearmanJob $job) => '0');
$worker->addFunction('empty', fn (GearmanJob $job) => '');
echo "ready\n";
while (@$worker->work() || $worker->returnCode() !== GEARMAN_SUCCESS) {
    if ($worker->returnCode() !== GEARMAN_SUCCESS) {
        usleep(50000);
    }
}
