<?php
// Submits jobs without end, so many at a time: `client.php PORT FUNCTION COUNT`. Prints how many are done.
[, $port, $function, $count] = $argv;
$client = new GearmanClient();
$client->addServer('127.0.0.1', (int) $port);
$done = 0;
$told = microtime(true);
$client->setCompleteCallback(function () use (&$done) {
    $done++;
});
while (true) {
    if ($count === '1') {
        $client->doNormal($function, '123456789');
        $done++;
    } else {
        for ($at = 0; $at < $count; $at++) {
            $client->addTask($function, '123456789');
        }
        $client->runTasks();
    }
    if (microtime(true) - $told > 0.02) {
        $told = microtime(true);
        echo "$done\n";
    }
}
