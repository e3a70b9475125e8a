# evoloss: breed losses for image classifiers, test them fairly, write the tables.
# The configuration is explained in config/config.yaml, the rules in workflow/rules/.

from snakemake.utils import min_version

min_version("9.5")


configfile: f"{workflow.basedir}/config/config.yaml"


include: "workflow/rules/common.smk"
include: "workflow/rules/data.smk"
include: "workflow/rules/search.smk"
include: "workflow/rules/retrain.smk"
include: "workflow/rules/report.smk"


report: "workflow/report/workflow.rst"


onstart:
    begin_run()


onerror:
    fail_run()


onsuccess:
    end_run()


rule all:
    default_target: True
    input:
        plan.deliverables(),
