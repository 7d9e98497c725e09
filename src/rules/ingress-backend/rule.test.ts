import { testRule } from '../../../test/support/rule-tester.ts';
import { ingressBackend } from './rule.ts';

testRule(ingressBackend, import.meta.dirname);
