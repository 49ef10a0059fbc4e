# A Gearman::Worker that serves the functions every worker of the interoperability tests serves.
use strict;
use warnings;
use Gearman::Worker;
use Storable;

my ($port) = @ARGV;
my $worker = Gearman::Worker->new(job_servers => ["127.0.0.1:$port"]);

$worker->register_function(upper => sub {
    my $text = $_[0]->arg;
    $text =~ tr/a-z/A-Z/;
    return $text;
});
$worker->register_function(progress => sub {
    my $job = shift;
    $job->set_status(1, 2);
    $worker->send_work_data($job, "part");
    $worker->send_work_warning($job, "careful");
    $job->set_status(2, 2);
    return "done";
});
$worker->register_function(fail  => sub { return undef });
$worker->register_function(raise => sub { die "boom\n" });

# The falsy results: each run is told, since against gearmand it runs again and again.
for my $pair ([zero => "0"], [empty => ""]) {
    my ($name, $result) = @$pair;
    $worker->register_function($name => sub { print "ran $name\n"; return $result });
}

# gearmand and our server read the limit as milliseconds and raise it to a second.
my $slow = 0;
$worker->register_function(late => 1 => sub {
    print "ran late\n";
    sleep 2 if $slow++ == 0;
    return "late result";
});

$| = 1;
print "ready\n";
$worker->work while 1;
