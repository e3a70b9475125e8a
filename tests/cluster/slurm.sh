#!/bin/sh
# A Slurm cluster of two nodes on this machine, for `make test-cluster`: start, stop, or kill NODE.
# It needs root and Debian's packages: apt-get install slurm-wlm munge
# It writes /etc/slurm/slurm.conf and gres.conf, and refuses to replace those of a real cluster.
set -eu

FOLDER=${EVOLOSS_CLUSTER:-/tmp/evoloss-cluster}
HOST=$(hostname -s)
MARK="# evoloss test cluster"

configure() {
    if [ -e /etc/slurm/slurm.conf ] && ! grep -q "$MARK" /etc/slurm/slurm.conf; then
        echo "/etc/slurm/slurm.conf is there and not ours: is this machine part of a cluster?" >&2
        exit 1
    fi
    mkdir -p /etc/slurm "$FOLDER/state" /run/munge
    chown munge: /run/munge
    cat > /etc/slurm/slurm.conf <<EOF
$MARK
ClusterName=evoloss
SlurmctldHost=$HOST
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
StateSaveLocation=$FOLDER/state
SlurmdSpoolDir=$FOLDER/spool-%n
SlurmdPidFile=$FOLDER/slurmd-%n.pid
SlurmdLogFile=$FOLDER/slurmd-%n.log
SlurmctldPidFile=$FOLDER/slurmctld.pid
SlurmctldLogFile=$FOLDER/slurmctld.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
GresTypes=gpu
ReturnToService=2
SlurmdParameters=config_overrides
SlurmdTimeout=10
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/none
JobCompType=jobcomp/none
SchedulerParameters=sched_interval=1,batch_sched_delay=0
NodeName=one NodeHostname=$HOST Port=17001 CPUs=2 RealMemory=20000 Gres=gpu:1 State=UNKNOWN
NodeName=two NodeHostname=$HOST Port=17002 CPUs=2 RealMemory=20000 Gres=gpu:1 State=UNKNOWN
PartitionName=main Nodes=one,two Default=YES MaxTime=INFINITE State=UP
EOF
    # A GPU that is none: jobs that ask for gpu=1 get CUDA_VISIBLE_DEVICES=0 and run one a node.
    echo "Name=gpu Count=1 File=/dev/null" > /etc/slurm/gres.conf
}

stop() {
    scancel --user=root 2> /dev/null || true
    for name in slurmd-one slurmd-two slurmctld; do
        if [ -e "$FOLDER/$name.pid" ]; then
            kill "$(cat "$FOLDER/$name.pid")" 2> /dev/null || true
        fi
    done
    pkill -x munged || true
    sleep 1
    rm -rf "$FOLDER"
}

case ${1:-} in
start)
    stop
    configure
    su -s /bin/sh munge -c /usr/sbin/munged
    slurmctld
    slurmd -N one
    slurmd -N two
    for _ in 1 2 3 4 5 6 7 8 9 10; do
        if [ "$(sinfo --noheader --states=idle --format=%D)" = 2 ]; then
            exit 0
        fi
        sleep 1
    done
    echo "the cluster did not come up; see $FOLDER/*.log" >&2
    exit 1
    ;;
kill)
    # As a machine does that loses its power: the daemon, and what runs on the node.
    kill -9 "$(cat "$FOLDER/slurmd-$2.pid")"
    doomed=""
    for process in $(pgrep .); do
        if tr '\0' '\n' 2> /dev/null < "/proc/$process/environ" | grep -qx "SLURMD_NODENAME=$2"; then
            parent=$(ps -o ppid= -p "$process" | tr -d ' ')
            doomed="$doomed $process"
            case $(ps -o args= -p "${parent:-1}") in slurmstepd*) doomed="$doomed $parent" ;; esac
        fi
    done
    for process in $doomed; do
        kill -9 "$process" 2> /dev/null || true
    done
    ;;
revive)
    slurmd -N "$2"
    ;;
stop)
    stop
    ;;
*)
    echo "usage: $0 start | stop | kill NODE | revive NODE" >&2
    exit 2
    ;;
esac
