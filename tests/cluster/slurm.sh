#!/bin/sh
# A SLURM of two nodes on this host, for tests. Needs root and the programs of Debian's slurmctld, slurmd, slurm-client
# and munge.
#
#   slurm.sh start DIR PID   starts it with the configuration DIR/slurm.conf, which SLURM_CONF must name. When the
#                            process PID has ended, the daemons are stopped and DIR is removed.
#   slurm.sh stop DIR        stops its daemons at once; running jobs should be cancelled before.
#   slurm.sh watch DIR PID   waits for the end of the process; `start` calls it.
set -eu
verb=$1 dir=$2

configure() {
    mkdir -p "$dir/state" "$dir/spool.n1" "$dir/spool.n2" "$dir/gpus/n1" "$dir/gpus/n2" /run/munge /var/log/munge \
        /var/lib/munge
    chown munge:munge /run/munge /var/log/munge /var/lib/munge
    # Each cluster has ports of its own: several may run at once, and a step of an ended one must not reach another.
    port=$((20000 + $$ % 4000 * 3))
    # n1 has two GPUs and n2 has one. SLURM only counts them: their device files are copies of /dev/null.
    gpus=1
    for gpu in n1/gpu0 n1/gpu1 n2/gpu0; do mknod "$dir/gpus/$gpu" c 1 3 2>/dev/null || gpus=0; done
    if [ "$gpus" = 1 ]; then
        types="GresTypes=gpu" n1="Gres=gpu:2" n2="Gres=gpu:1"
        echo "NodeName=n1 Name=gpu File=$dir/gpus/n1/gpu[0-1]" > "$dir/gres.conf"
        echo "NodeName=n2 Name=gpu File=$dir/gpus/n2/gpu0" >> "$dir/gres.conf"
    else
        types="" n1="" n2=""
    fi
    node="NodeHostname=localhost NodeAddr=127.0.0.1 CPUs=2 RealMemory=8000 State=UNKNOWN"
    cat > "$dir/slurm.conf" <<CONF
ClusterName=recontest
SlurmctldHost=localhost
SlurmctldPort=$port
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
CredType=cred/munge
MpiDefault=none
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
StateSaveLocation=$dir/state
SlurmdSpoolDir=$dir/spool.%n
SlurmctldPidFile=$dir/slurmctld.pid
SlurmdPidFile=$dir/slurmd.%n.pid
SlurmctldLogFile=$dir/slurmctld.log
SlurmdLogFile=$dir/slurmd.%n.log
$types
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SchedulerType=sched/backfill
SchedulerParameters=sched_interval=1,bf_interval=1,batch_sched_delay=0
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/none
ReturnToService=2
SlurmdTimeout=10
MinJobAge=3600
JobRequeue=1
KillWait=5
MaxArraySize=1001
SlurmdParameters=config_overrides
NodeName=n1 Port=$((port + 1)) $n1 $node
NodeName=n2 Port=$((port + 2)) $n2 $node
PartitionName=main Nodes=n[1-2] Default=YES MaxTime=INFINITE State=UP
CONF
}

munge_answers() {
    munge -n 2>/dev/null | unmunge >/dev/null 2>&1
}

# A munged that already runs on this host is left alone; one that is started here ends with its cluster.
start_munged() {
    munge_answers && return
    su -s /bin/sh munge -c "/usr/sbin/munged --pid-file /run/munge/munged.pid"
    for _ in $(seq 50); do munge_answers && break; sleep 0.1; done
    cp /run/munge/munged.pid "$dir/munged.pid"
}

stop() {
    for file in "$dir"/slurm*.pid; do
        [ -e "$file" ] && kill -9 "$(cat "$file")" 2>/dev/null || true
    done
    # Steps whose controller is dead would look for it for minutes.
    for step in $(pgrep -x slurmstepd); do
        tr '\0' '\n' 2>/dev/null <"/proc/$step/environ" | grep -qx "SLURM_CONF=$dir/slurm.conf" || continue
        kill -9 "$step" 2>/dev/null || true
    done
}

case $verb in
start)
    configure
    # The watcher has a session of its own, so that it survives when the tests are killed with all their processes.
    setsid sh "$0" watch "$dir" "$3" </dev/null >/dev/null 2>&1 &
    start_munged
    export SLURM_CONF="$dir/slurm.conf"
    slurmctld
    slurmd -N n1
    slurmd -N n2
    for _ in $(seq 300); do
        [ "$(sinfo -h -N -o %T 2>/dev/null | grep -c idle)" = 2 ] && exit 0
        sleep 0.1
    done
    echo "the nodes did not become idle: see $dir/*.log" >&2
    exit 1
    ;;
watch)
    # A process that has ended but is not yet waited for has no program.
    while readlink "/proc/$3/exe" >/dev/null; do sleep 0.5; done
    [ ! -e "$dir/munged.pid" ] || munged=$(cat "$dir/munged.pid")
    if [ -e "$dir/slurm.conf" ]; then
        SLURM_CONF="$dir/slurm.conf" timeout 5 scancel --me || true
        sleep 1
        stop
        rm -rf "$dir"
    fi
    # All clusters share munged, also those of other processes, so that it ends only when no controller runs.
    sleep 2
    [ -z "${munged:-}" ] || pgrep -x slurmctld >/dev/null || kill "$munged"
    ;;
stop)
    stop
    ;;
esac
