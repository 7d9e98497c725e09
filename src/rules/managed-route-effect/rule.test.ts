import { testRule } from '../../../test/support/rule-tester.ts';
import { managedRouteEffect } from './rule.ts';

testRule(managedRouteEffect, import.meta.dirname);
