<?php
// Gives each job's workload back: `worker.php PORT FUNCTION`.
$worker = new GearmanWorker();
$worker->addServer('127.0.0.1', (int) $argv[1]);
$worker->addFunction($argv[2], fn (GearmanJob $job) => $job->workload());
while (@$worker->work());
