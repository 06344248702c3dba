// SPDX-License-Identifier: GPL-2.0-only
/*
 * mutate - variations of programs that were worth keeping
 */
#include <string.h>

#include "fuzz.h"

bool prog_insert(struct prog *p, unsigned int at, const struct call *c)
{
	if (p->n == MAX_CALLS || at > p->n)
		return false;
	memmove(&p->calls[at + 1], &p->calls[at], (p->n - at) * sizeof(*c));
	p->calls[at] = *c;
	p->n++;
	return true;
}

void prog_remove(struct prog *p, unsigned int at)
{
	p->n--;
	memmove(&p->calls[at], &p->calls[at + 1],
		(p->n - at) * sizeof(p->calls[0]));
}

static void insert_new(struct rng *r, struct prog *p)
{
	unsigned int at = rnd(r, p->n + 1);
	struct prog before = *p;
	struct call c;

	before.n = at;
	gen_call(r, &before, &c);
	prog_insert(p, at, &c);
}

/* The first part of one and the rest of another */
static void splice(struct rng *r, struct prog *p, const struct prog *other)
{
	unsigned int from = rnd(r, other->n);

	p->n = 1 + rnd(r, p->n);
	while (p->n < MAX_CALLS && from < other->n)
		p->calls[p->n++] = other->calls[from++];
}

/* Calls of another somewhere between */
static void blend(struct rng *r, struct prog *p, const struct prog *other)
{
	for (unsigned int i = 0; i < other->n; i++)
		if (one_in(r, 2))
			prog_insert(p, rnd(r, p->n + 1), &other->calls[i]);
}

static void change_number(struct rng *r, uint64_t *v)
{
	switch (rnd(r, 6)) {
	case 0:
		*v ^= 1ULL << rnd(r, 32);
		break;
	case 1:
		*v += 1;
		break;
	case 2:
		*v -= 1;
		break;
	case 3:
		*v *= 2;
		break;
	case 4:
		*v /= 2;
		break;
	default:
		*v = gen_num(r);
	}
}

static void change_arg(struct rng *r, struct call *c)
{
	const struct op *op = &ops[c->op];
	unsigned int n = op_args(op), i;

	if (!n)
		return;
	i = rnd(r, n);
	if (op->args[i].kind == K_NUM && rnd(r, 3))
		change_number(r, &c->arg[i]);
	else if (op->args[i].kind == K_CREATE_FLAGS && rnd(r, 3))
		c->arg[i] ^= 1ULL << rnd(r, 20);
	else
		c->arg[i] = gen_arg(r, &op->args[i]);
}

static void change_modifier(struct rng *r, struct call *c)
{
	switch (rnd(r, 6)) {
	case 0:
		c->rep = one_in(r, 3) ? 1 : 1 + rnd(r, one_in(r, 8) ? 1000 : 32);
		break;
	case 1:
		c->thread = rnd(r, N_HELPERS + 1);
		break;
	case 2:
		c->fail = rnd(r, 3) ? 1 + rnd(r, 24) : 0;
		break;
	case 3:
		c->step = rnd(r, N_STEPS);
		break;
	case 4:
		c->child = one_in(r, 4) ? 1 + rnd(r, 3000) : 0;
		break;
	default:
		/* The same by two threads */
		c->thread = 1 + rnd(r, N_HELPERS);
		c->rep = 1 + rnd(r, 200);
	}
}

/* Another command for the same map, where the arguments mean the same */
static void change_op(struct rng *r, struct call *c)
{
	unsigned int op = rnd(r, n_ops);

	if (!memcmp(ops[op].args, ops[c->op].args, sizeof(ops[op].args)))
		c->op = op;
}

static void repeat(struct rng *r, struct prog *p, unsigned int at)
{
	struct call c = p->calls[at];

	if (one_in(r, 2))
		c.thread = rnd(r, N_HELPERS + 1);
	prog_insert(p, rnd(r, p->n + 1), &c);
}

/* Another type of map, the rest unchanged: most commands suit all types */
static void change_type(struct rng *r, struct prog *p)
{
	struct prog one;

	for (unsigned int i = 0; i < p->n; i++) {
		if (strcmp(ops[p->calls[i].op].name, "create") || rnd(r, 2))
			continue;
		gen_prog(r, &one);
		one.calls[0].arg[CREATE_OUT] = p->calls[i].arg[CREATE_OUT];
		p->calls[i] = one.calls[0];
	}
}

void mutate(struct rng *r, struct prog *p, const struct prog *other)
{
	unsigned int at, n = 1 + rnd(r, 4);

	while (n--) {
		at = rnd(r, p->n);
		switch (rnd(r, 12)) {
		case 0:
		case 1:
			insert_new(r, p);
			break;
		case 2:
			splice(r, p, other);
			break;
		case 3:
			blend(r, p, other);
			break;
		case 4:
			if (p->n > 1)
				prog_remove(p, at);
			break;
		case 5:
			repeat(r, p, at);
			break;
		case 6:
			change_op(r, &p->calls[at]);
			break;
		case 7:
			change_modifier(r, &p->calls[at]);
			break;
		case 8:
			change_type(r, p);
			break;
		default:
			change_arg(r, &p->calls[at]);
		}
	}
}
